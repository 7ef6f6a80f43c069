//! Systems that take entries, one file each.

mod file;
mod nats;
mod otlp;
mod s3;
mod syslog;

use bartizan_core::settings::{self, SinkKind};
use futures_util::future::BoxFuture;

use crate::batch::Batch;
use crate::error::{Interrupted, SinkError};
use crate::metrics::SinkMetrics;

/// A system that takes entries of a log.
pub trait Sink: Send {
    /// Hands over the entries of a batch, in order. When this returns `Ok`, the sink has them as
    /// certainly as its protocol can say; when it returns an error, what it did not take for certain is
    /// shipped again, so that an entry may come twice and its id tells.
    ///
    /// Dropping the future half way must leave nothing behind that another call could run into.
    ///
    /// # Errors
    /// [`Interrupted`], with the entries that were taken before.
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>>;
}

/// The sink that the policy describes. Nothing is connected yet.
///
/// # Errors
/// [`SinkError::Setting`] or [`SinkError::File`] for what can never work.
pub(crate) fn make(
    sink: &settings::Sink,
    metrics: &SinkMetrics,
) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match &sink.kind {
        SinkKind::File(settings) => Box::new(file::FileSink::new(settings)),
        SinkKind::Syslog(settings) => Box::new(syslog::SyslogSink::new(settings)?),
        SinkKind::Otlp(settings) => Box::new(otlp::OtlpSink::new(settings, metrics)?),
        SinkKind::Nats(settings) => Box::new(nats::NatsSink::new(settings)),
        SinkKind::S3(settings) => Box::new(s3::S3Sink::new(settings)?),
    })
}
