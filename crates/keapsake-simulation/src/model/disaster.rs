//! What Keapsake assumes, and what happens where an assumption does not hold.

use super::journal::{Generations, Journal};
use super::known::Known;
use super::setup::{Action, Setup};
use super::state::{Pair, State};

/// What must hold for the guarantee. Without any one of them there is a way to lose a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assumption {
    /// The server lets a refresh token be used once.
    A1,
    /// What the journal says is durable is durable.
    A2,
    /// The store and the journals are not lost together.
    A3,
    /// No other deployment uses the same tokens.
    A4,
    /// The key is there.
    A5,
}

/// What a store or a key may suffer, and what an assumption rules out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disaster {
    /// An old backup of the store comes back, and the journals are gone (A3).
    OldBackupWithoutJournals,
    /// Another deployment refreshes with a copied token (A4).
    RefreshElsewhere,
    /// The store is as it was before its last new pair. Nothing rules that out.
    StoreForgets,
    /// Neither the store nor the journals can be read (A5).
    KeyLost,
}

impl Setup {
    pub(super) fn disasters(&self, state: &State, actions: &mut Vec<Action>) {
        if state.left.forgets > 0 && state.store.pair.generation > 1 {
            actions.push(Action::Disaster(Disaster::StoreForgets));
        }
        let newest = state.server.newest;
        let disaster = match self.without {
            Some(Assumption::A3) if state.store != Known::FIRST => Disaster::OldBackupWithoutJournals,
            Some(Assumption::A4) if newest.generation < self.bounds.generations => Disaster::RefreshElsewhere,
            Some(Assumption::A5) if !state.truth.is_key_lost => Disaster::KeyLost,
            _ => return,
        };
        actions.push(Action::Disaster(disaster));
    }
}

impl State {
    pub(super) fn suffer(&mut self, disaster: Disaster) {
        match disaster {
            Disaster::OldBackupWithoutJournals => self.restore_old_backup(),
            Disaster::RefreshElsewhere => self.server.newest = self.server.newest.next(),
            Disaster::StoreForgets => self.forget_the_last_commit(),
            Disaster::KeyLost => self.truth.is_key_lost = true,
        }
    }

    fn forget_the_last_commit(&mut self) {
        let generation = self.store.pair.generation - 1;
        self.write(Known { pair: Pair { generation, is_twin: false }, ..Known::FIRST });
        self.left.forgets -= 1;
        self.truth.has_gone_back = true;
    }

    fn restore_old_backup(&mut self) {
        self.write(Known::FIRST);
        for process in &mut self.processes {
            process.journal = Journal::default();
            process.has_lease = false;
            process.open = Generations::default();
            process.underway = Generations::default();
        }
    }
}
