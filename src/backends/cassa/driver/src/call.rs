//! Runs what was asked on the driver's threads and reports its end exactly once.

use crate::failure::{Code, Failure};
use crate::outcome::{KmResult, Outcome};
use std::future::Future;
use std::os::raw::c_void;
use std::sync::OnceLock;
use tokio::runtime::Runtime;
use tokio::sync::watch;

pub type KmDone = extern "C" fn(context: *mut c_void, tag: usize, result: *mut KmResult);

/// One for the process; it is never shut down.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("cassandra")
            .enable_all()
            .build()
            .expect("threads of the Cassandra driver")
    })
}

pub struct KmScope {
    cancelled: watch::Sender<bool>,
}

/// Who waits for the end. Reports it when it is dropped, so that neither a panic nor an early return
/// can leave anybody waiting.
pub struct Waiter {
    done: KmDone,
    context: *mut c_void,
    tag: usize,
    result: Option<Result<Outcome, Failure>>,
}

// SAFETY: the caller promises that `done` may run on any thread.
unsafe impl Send for Waiter {}

impl Waiter {
    pub fn new(done: KmDone, context: *mut c_void, tag: usize) -> Self {
        Waiter { done, context, tag, result: None }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let result = self
            .result
            .take()
            .unwrap_or_else(|| Err(Failure::new(Code::Failed, "the driver failed in an unexpected way")));
        (self.done)(self.context, self.tag, Box::into_raw(Box::new(KmResult(result))));
    }
}

pub fn start<Work>(scope: &KmScope, waiter: Waiter, work: Work)
where
    Work: Future<Output = Result<Outcome, Failure>> + Send + 'static,
{
    let mut cancelled = scope.cancelled.subscribe();
    runtime().spawn(async move {
        let mut waiter = waiter; // all of it: it must be dropped in here
        let result = tokio::select! {
            result = work => result,
            _ = cancelled.wait_for(|yes| *yes) => Err(Failure::new(Code::Interrupted, "interrupted")),
        };
        waiter.result = Some(result);
    });
}

#[no_mangle]
pub extern "C" fn km_scope_new() -> *mut KmScope {
    Box::into_raw(Box::new(KmScope { cancelled: watch::Sender::new(false) }))
}

#[no_mangle]
pub unsafe extern "C" fn km_scope_cancel(scope: *const KmScope) {
    unsafe { &*scope }.cancelled.send_replace(true);
}

#[no_mangle]
pub unsafe extern "C" fn km_scope_reset(scope: *const KmScope) {
    unsafe { &*scope }.cancelled.send_replace(false);
}

#[no_mangle]
pub unsafe extern "C" fn km_scope_free(scope: *mut KmScope) {
    drop(unsafe { Box::from_raw(scope) });
}
