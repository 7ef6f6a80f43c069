//! Names in the place of pseudonyms, as a question is answered: files never hold names.

use std::sync::Arc;

use bartizan_ledger::subjects::Names;
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{DataFrame, Expr, col};
use datafusion::scalar::ScalarValue;

use crate::columns::SUBJECTS;

/// The function from a pseudonym to its name, or to itself where the name is gone.
pub(crate) fn function(names: Names) -> ScalarUDF {
    let name_of = move |arguments: &[ColumnarValue]| {
        let is_one = matches!(arguments, [ColumnarValue::Scalar(_)]);
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let ids = arrays.iter().flat_map(AsArray::as_string_view);
        let found: StringViewArray =
            ids.map(|id| id.map(|id| names.name_of(id).unwrap_or(id))).collect();
        if is_one && !found.is_empty() {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(found) as ArrayRef))
    };
    let text = DataType::Utf8View;
    create_udf("name_of", vec![text.clone()], text, Volatility::Immutable, Arc::new(name_of))
}

/// The same rows with names.
pub(crate) fn named(rows: DataFrame, names: &ScalarUDF) -> Result<DataFrame, DataFusionError> {
    let columns: Vec<Expr> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let name = field.name();
            if SUBJECTS.contains(&name.as_str()) {
                names.call(vec![col(name)]).alias(name)
            } else {
                col(name)
            }
        })
        .collect();
    rows.select(columns)
}
