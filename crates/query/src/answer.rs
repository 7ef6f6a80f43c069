//! What a question is answered with, row by row.

use std::fmt;
use std::fs::File;
use std::panic::AssertUnwindSafe;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::execution::SendableRecordBatchStream;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;

use crate::error::QueryError;

/// Rows as they come.
pub struct Answer {
    columns: Vec<String>,
    batches: SendableRecordBatchStream,
    batch: Option<(RecordBatch, usize)>,
    memory_bytes: usize,
    /// Keeps the files from being removed.
    _held: File,
}

/// One row, a value for each column.
pub type Row = Vec<Cell>;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell(pub Value);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Null => Ok(()),
            Value::String(text) => f.write_str(text),
            value => write!(f, "{value}"),
        }
    }
}

impl Answer {
    pub(crate) fn new(
        columns: Vec<String>,
        batches: SendableRecordBatchStream,
        held: File,
        memory_bytes: usize,
    ) -> Self {
        Self { columns, batches, batch: None, memory_bytes, _held: held }
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next row; none at the end.
    ///
    /// # Errors
    /// [`QueryError`], when the rest cannot be had.
    pub async fn next(&mut self) -> Result<Option<Row>, QueryError> {
        loop {
            if let Some((batch, row)) = &mut self.batch
                && *row < batch.num_rows()
            {
                let cells = batch.columns().iter().map(|column| cell(column, *row)).collect();
                *row += 1;
                return Ok(Some(cells));
            }
            let coming = AssertUnwindSafe(self.batches.next()).catch_unwind().await;
            let Some(batch) = coming.map_err(|_| QueryError::panicked())? else { return Ok(None) };
            let batch = batch.map_err(|error| QueryError::of(error, self.memory_bytes))?;
            self.batch = Some((batch, 0));
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("columns", &self.columns).finish_non_exhaustive()
    }
}

fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell(Value::Null);
    }
    let value = match column.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => rounded(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).into(),
        DataType::Utf8View => column.as_string_view().value(row).into(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = bartizan_core::time::Timestamp::from_microsecond(micros);
            time.map_or(Value::Null, |time| bartizan_core::time::format(time).into())
        }
        // Intervals, dates, lists: as the engine writes them.
        _ => array_value_to_string(column, row).map_or(Value::Null, Value::from),
    };
    Cell(value)
}

/// A single-precision number as it was written, without the digits that double precision adds.
fn rounded(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
