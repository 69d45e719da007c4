//! Listens to what Keapsake writes into its log: there must be no secret in it, and it tells the phases of each attempt.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::diary::Diary;
use super::keap::CANARY;
use super::record::{Seen, see};

pub(crate) struct Listener(pub(crate) Diary);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("keapsake")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        if let (Some(phase), Some(reply)) = (line.phase, line.reply) {
            self.0.note(format_args!("{phase} {reply}"));
            see(Seen::Phase(phase, reply));
            return;
        }
        if *event.metadata().level() <= Level::INFO {
            self.0.note(format_args!("log: {}", line.text));
        }
        if line.text.contains(CANARY) {
            self.0.violation(format_args!("the log has a token in it: {}", line.text));
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    text: String,
    phase: Option<String>,
    reply: Option<String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "phase" => self.phase = Some(format!("{value:?}")),
            "reply" => self.reply = Some(format!("{value:?}")),
            _ => {
                let _ = write!(self.text, "{field}={value:?} ");
            }
        }
    }
}
