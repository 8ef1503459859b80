//! Counts the connections that came up (TCP, tunnel and TLS). If none did, nothing was sent: that is the exact bit
//! between "surely not sent" and "perhaps sent", which no error of the libraries below tells.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// A layer around the connector that counts into the number it is given.
#[derive(Debug, Clone)]
pub(super) struct CountConnections(pub(super) Arc<AtomicU64>);

/// The connector with the counter around it.
#[derive(Debug, Clone)]
pub(super) struct Counted<S> {
    connector: S,
    count: Arc<AtomicU64>,
}

impl<S> Layer<S> for CountConnections {
    type Service = Counted<S>;

    fn layer(&self, connector: S) -> Counted<S> {
        Counted {
            connector,
            count: Arc::clone(&self.0),
        }
    }
}

impl<S, R> Service<R> for Counted<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.connector.call(request);
        let count = Arc::clone(&self.count);
        Box::pin(async move {
            let connected = connecting.await;
            if connected.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
            connected
        })
    }
}
