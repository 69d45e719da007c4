//! Between the processes and Keap: carries requests, or does not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, pending};
use http::header::{AUTHORIZATION, DATE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, Uri};
use keapsake::transport::{Line, TokenTransport, Transport, TransportError};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::chance::Chance;
use super::conduct::Conduct;
use super::fault::{ComesBack, FORGETFUL, Fault, KeapDoes, Other};
use super::gate::{Gate, Life};
use super::keap::{Keap, Oddity, answer};
use super::truth::{Fate, PairNumber, ProcessId, Truth};
use super::weather::Weather;

/// The longest a client waits for an answer.
const ANSWER_TIME: Duration = Duration::from_mins(2);

/// What is late, is late by so much; less than anybody may presume it dead.
const LATE: Duration = Duration::from_secs(15);

tokio::task_local! {
    /// Who calls has a chance of its own: several that wait for the same thing are woken in any order.
    pub(crate) static CALLER: Chance;
}

/// Shared by all processes of a world.
pub(crate) struct Network {
    pub(crate) keap: Arc<Keap>,
    pub(crate) weather: Arc<Weather>,
    pub(crate) truth: Truth,
    pub(crate) conduct: Conduct,
    pub(crate) chance: Chance,
    /// For which pair Keap was forgetful last: it is once for each.
    pub(crate) forgot: Mutex<Option<PairNumber>>,
}

/// The network as one process has it.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) network: Arc<Network>,
    pub(crate) process: ProcessId,
    pub(crate) gate: Gate,
}

impl Network {
    fn token_fault(&self) -> Option<Fault> {
        let fault = self.weather.token_fault(self.truth.now())?;
        if FORGETFUL.contains(&fault) {
            let newest = self.keap.newest();
            let mut forgot = self.forgot.lock().unwrap_or_else(PoisonError::into_inner);
            if *forgot == newest {
                return None;
            }
            *forgot = newest;
        }
        self.truth.diary.count(fault.name);
        Some(fault)
    }
}

impl TokenTransport for Access {
    fn open(&self, _: &Uri) -> BoxFuture<'static, Result<Box<dyn Line>, TransportError>> {
        let access = self.clone();
        Box::pin(async move {
            access.tread().await;
            let fault = access.network.token_fault();
            let opened = access.connect(fault).await;
            access.tread().await;
            opened
        })
    }
}

impl Access {
    /// A step of this process: it may be its last one, or a long one.
    pub(crate) async fn tread(&self) {
        let Network { weather, truth, .. } = &*self.network;
        match weather.mishap_at_a_step() {
            Some(Life::Dead) => {
                truth.diary.count("crashes at a step");
                self.gate.set(Life::Dead);
            }
            Some(Life::Paused) => {
                truth.diary.count("pauses at a step");
                truth.diary.note(format_args!("{} is paused", self.process));
                self.gate.set(Life::Paused);
                tokio::spawn(self.clone().resume());
            }
            _ => {}
        }
        self.gate.pass().await;
    }

    async fn resume(self) {
        let span = self.network.chance.any_span(Duration::from_millis(100), Duration::from_hours(2));
        let _hindrance = self.network.truth.hindrance(self.process.host);
        sleep(span).await;
        self.network.truth.diary.note(format_args!("{} goes on", self.process));
        self.gate.set(Life::Running);
    }

    async fn connect(&self, fault: Option<Fault>) -> Result<Box<dyn Line>, TransportError> {
        if let Some(Fault { back: ComesBack::NoConnection { after }, name, .. }) = fault {
            self.network.truth.hinders(self.process.host);
            self.network.truth.diary.note(format_args!("{} opens: {name}", self.process));
            sleep(after).await;
            return Err(TransportError::not_sent(name));
        }
        sleep(self.network.chance.span(Duration::from_millis(20), Duration::from_millis(400))).await;
        Ok(Box::new(OpenLine { access: self.clone(), fault }))
    }
}

/// One connection.
struct OpenLine {
    access: Access,
    fault: Option<Fault>,
}

/// Somebody who waits for an answer. A living process that stops waiting throws away what may be the only live pair.
struct Waiting {
    access: Access,
    is_over: bool,
}

impl Waiting {
    fn ends(mut self) {
        self.is_over = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Access { network, process, gate } = &self.access;
        if !self.is_over && gate.life() != Life::Dead {
            network.truth.diary.violation(format_args!("{process} hangs up before the answer came"));
        }
    }
}

/// An answer on its way. When it is dropped, nobody has it.
struct Parcel {
    truth: Truth,
    pair: Option<PairNumber>,
    response: Response<Bytes>,
}

impl Parcel {
    fn take(mut self, process: ProcessId) -> Response<Bytes> {
        if let Some(pair) = self.pair.take() {
            self.truth.arrived(pair, process);
        }
        std::mem::take(&mut self.response)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Some(pair) = self.pair {
            self.truth.lost(pair, "its answer never arrived");
        }
    }
}

impl Line for OpenLine {
    fn send(
        self: Box<Self>,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let Self { access, fault } = *self;
            access.tread().await;
            access.send(request, fault).await
        })
    }
}

impl Access {
    async fn send(
        &self,
        request: Request<Bytes>,
        fault: Option<Fault>,
    ) -> Result<Response<Bytes>, TransportError> {
        let Network { truth, conduct, keap, .. } = &*self.network;
        let name = fault.map_or("", |fault| fault.name);
        truth.diary.note(format_args!("{} sends; {name}", self.process));
        truth.diary.count("token requests");
        if fault.is_some() {
            truth.hinders(self.process.host);
        }
        if matches!(fault, Some(Fault { back: ComesBack::NotSent, .. })) {
            return Err(TransportError::not_sent(name));
        }
        let asked = conduct.begins(keap, self.process, request.body());
        let (arrives, way_back) = oneshot::channel();
        tokio::spawn(deliver(self.network.clone(), request.into_body(), fault, arrives));
        let waiting = Waiting { access: self.clone(), is_over: false };
        let got = timeout(ANSWER_TIME, way_back).await;
        waiting.ends();
        if !self.gate.lives_on().await {
            drop(got);
            pending::<()>().await;
            return Err(TransportError::no_answer("dead"));
        }
        if fault.is_some() {
            truth.hinders(self.process.host);
        }
        let response = match got {
            Ok(Ok(parcel)) => Ok(parcel.take(self.process)),
            Ok(Err(_)) => Err(TransportError::no_answer("the connection ended")),
            Err(_) => Err(TransportError::no_answer("no answer within 120 s")),
        };
        conduct.ends(asked, response.as_ref().ok());
        truth.diary.note(format_args!(
            "{} hears {:?}",
            self.process,
            response.as_ref().map(Response::status)
        ));
        response
    }
}

/// What happens to the request and its answer, whether or not anybody waits for it.
async fn deliver(network: Arc<Network>, body: Bytes, fault: Option<Fault>, arrives: oneshot::Sender<Parcel>) {
    let chance = &network.chance;
    let quick = || chance.span(Duration::from_millis(50), Duration::from_millis(900));
    let (keap, back) = fault
        .map_or((KeapDoes::It, ComesBack::Answer { slow: false, odd: super::fault::Odd::No }), |fault| {
            (fault.keap, fault.back)
        });
    let slow = match back {
        ComesBack::Answer { slow: true, .. } => chance.span(Duration::from_secs(1), Duration::from_secs(117)),
        _ => quick(),
    };
    // At any moment of it Keap may do what it is asked.
    let until_done = chance.span(Duration::ZERO, slow);
    sleep(until_done).await;
    let parcel = match keap {
        KeapDoes::Nothing => network.parcel(None),
        KeapDoes::It => network.parcel(Some((&body, back))),
        KeapDoes::ItLate => {
            drop(arrives);
            sleep(chance.span(Duration::from_secs(1), LATE)).await;
            drop(network.parcel(Some((&body, back))));
            return;
        }
    };
    sleep(slow.saturating_sub(until_done)).await;
    let parcel = match back {
        ComesBack::Answer { .. } => parcel,
        ComesBack::Other(other) => parcel.replaced(&other, &network),
        ComesBack::NothingInTime => {
            sleep(ANSWER_TIME * 2).await;
            parcel
        }
        ComesBack::Half | ComesBack::Nothing | ComesBack::NotSent | ComesBack::NoConnection { .. } => return,
    };
    // Whoever hung up loses what is in it.
    drop(arrives.send(parcel));
}

impl Network {
    fn parcel(&self, request: Option<(&Bytes, ComesBack)>) -> Parcel {
        let truth = self.truth.clone();
        let Some((body, back)) = request else {
            return Parcel { truth, pair: None, response: Response::default() };
        };
        let oddity = match back {
            ComesBack::Answer { odd, .. } => odd.into(),
            _ => Oddity::None,
        };
        let handled = self.keap.handle(body, oddity);
        let mut response = handled.response;
        self.date(&mut response);
        Parcel { truth, pair: handled.pair, response }
    }

    fn date(&self, response: &mut Response<Bytes>) {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.truth.now());
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(DATE, date);
        }
    }
}

impl Parcel {
    fn replaced(mut self, other: &Other, network: &Network) -> Self {
        if let Some(pair) = self.pair.take() {
            self.truth.lost(pair, "another answer came in the place of its own");
        }
        self.response = answer(other.status, other.body.to_owned());
        if let Some(wait) = other.retry_after {
            self.response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
        }
        network.date(&mut self.response);
        self
    }
}

impl Transport for Access {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        let access = self.clone();
        Box::pin(async move {
            access.gate.pass().await;
            let answer = access.call(&request).await;
            access.gate.pass().await;
            answer
        })
    }
}

impl Access {
    async fn call(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let Network { keap, weather, truth, .. } = &*self.network;
        let chance = CALLER.try_with(Chance::clone).unwrap_or_else(|_| self.network.chance.clone());
        truth.diary.count("API calls");
        sleep(chance.span(Duration::from_millis(20), Duration::from_millis(600))).await;
        if weather.breaks_api_call(&chance) {
            truth.diary.count("API calls broken");
            return match chance.between(0, 3) {
                0 => Err(TransportError::not_sent("refused")),
                1 => Err(TransportError::no_answer("reset")),
                2 => Ok(answer(503, String::new())),
                _ => Ok(answer(429, String::new())),
            };
        }
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        Ok(keap.call(header.and_then(|value| value.strip_prefix("Bearer "))))
    }
}

/// Whether a pair's answer reached somebody.
pub(crate) fn has_arrived(fate: Fate) -> bool {
    matches!(fate, Fate::Arrived(..) | Fate::Unkept(..) | Fate::Journaled(..) | Fate::Stored(..))
}
