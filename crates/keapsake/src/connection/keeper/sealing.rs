//! The tokens of a connection, sealed for the store and opened from it.

use zeroize::Zeroizing;

use super::Keeper;
use super::saving::NewPair;
use crate::connection::record::Position;
use crate::secret::{AccessToken, RefreshToken};
use crate::store::seal::{Field, Place};
use crate::store::{SealedPair, StoreError};

impl Keeper {
    pub(super) fn seal(&self, position: Position, new: NewPair<'_>) -> SealedPair {
        let seal = |field, secret| {
            let place = Place { connection: &self.id, position, field };
            self.deployment.sealer.seal(place, secret, &*self.deployment.randomness)
        };
        SealedPair {
            access: seal(Field::Access, new.pair.access.expose()),
            refresh: seal(Field::Refresh, new.refresh.expose()),
        }
    }

    fn open(
        &self,
        position: Position,
        field: Field,
        pair: &SealedPair,
    ) -> Result<Zeroizing<String>, StoreError> {
        let place = Place { connection: &self.id, position, field };
        let sealed = if field == Field::Access { &pair.access } else { &pair.refresh };
        self.deployment.sealer.open(place, sealed).map_err(|error| StoreError::new(error.to_string()))
    }

    pub(in crate::connection) fn open_access(
        &self,
        position: Position,
        pair: &SealedPair,
    ) -> Result<AccessToken, StoreError> {
        Ok(AccessToken::new(self.open(position, Field::Access, pair)?.as_str()))
    }

    pub(in crate::connection) fn open_refresh(
        &self,
        position: Position,
        pair: &SealedPair,
    ) -> Result<RefreshToken, StoreError> {
        Ok(RefreshToken::new(self.open(position, Field::Refresh, pair)?.as_str()))
    }
}
