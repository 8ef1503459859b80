//! Counts the connections that were established (TCP, tunnel and TLS). If there was none, nothing was sent. No error of
//! the libraries below shows this difference between "not sent" and "may have been sent".

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::observer::Observer;

/// The bit that says that no more connections are used.
const CLOSED: u64 = 1 << 63;

/// How many connections were established, and whether more may be used. Both are in one number, so that a connection
/// either counts before the counter is closed or carries nothing.
#[derive(Debug, Default)]
pub(super) struct Connections(AtomicU64);

impl Connections {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst) & !CLOSED
    }

    /// From now on no connection is used. Returns the count, which is final.
    pub(super) fn close(&self) -> u64 {
        self.0.fetch_or(CLOSED, Ordering::SeqCst) & !CLOSED
    }

    /// Counts an established connection. Returns whether it may be used.
    fn admit(&self) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst) & CLOSED == 0
    }
}

/// A layer around reqwest's connector that counts connections.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLayer {
    pub(super) connections: Arc<Connections>,
    pub(super) observer: Arc<Observer>,
}

#[derive(Debug, Clone)]
pub(super) struct Counted<S> {
    connector: S,
    layer: ConnectionLayer,
}

impl<S> Layer<S> for ConnectionLayer {
    type Service = Counted<S>;

    fn layer(&self, connector: S) -> Counted<S> {
        Counted { connector, layer: self.clone() }
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
        let ConnectionLayer { connections, observer } = self.layer.clone();
        Box::pin(async move {
            match connecting.await {
                // No one waits for it: the process is about to end.
                Ok(_) if !connections.admit() => {}
                Ok(connected) => {
                    observer.connected();
                    return Ok(connected);
                }
                Err(error) => return Err(error),
            }
            std::future::pending().await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::task::Waker;

    use super::*;

    /// A connector whose connections come up at once.
    struct AtOnce;

    impl Service<()> for AtOnce {
        type Response = ();
        type Error = Infallible;
        type Future = Ready<Result<(), Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            ready(Ok(()))
        }
    }

    #[test]
    fn a_connection_that_comes_up_after_the_door_is_closed_carries_nothing() {
        let connections = Arc::new(Connections::default());
        let layer = ConnectionLayer { connections: Arc::clone(&connections), observer: Arc::default() };
        let mut connector = layer.layer(AtOnce);
        let mut poll = || {
            let mut connecting = connector.call(());
            connecting.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(poll(), Poll::Ready(Ok(())));
        assert_eq!((connections.count(), connections.close()), (1, 1));
        assert_eq!(poll(), Poll::Pending);
        assert_eq!(connections.close() & CLOSED, 0);
    }
}
