//! What the page shows, taken from the world in one look.

use askama::Template;
use jiff::Timestamp;

use super::actions::outage;
use crate::clock::ClockMode;
use crate::state::accounts::Account;
use crate::state::contacts::Contact;
use crate::state::faults::FaultReport;
use crate::state::grants::Grant;
use crate::state::requests::RequestReport;
use crate::state::world::World;

const CONTACTS_MAX: usize = 100;
const REQUESTS_MAX: usize = 50;

/// The whole page.
#[derive(Template)]
#[template(path = "people.html")]
pub(super) struct Overview {
    now: String,
    mode: &'static str,
    down: bool,
    accounts: Vec<AccountView>,
    grants: Vec<GrantView>,
    faults: Vec<FaultView>,
    requests: Vec<RequestView>,
}

struct AccountView {
    name: String,
    key: String,
    host: String,
    contacts: Vec<ContactView>,
    contact_count: usize,
    tags: Vec<TagView>,
}

struct ContactView {
    id: u64,
    name: String,
    email: String,
    created: String,
    tags: Vec<WornView>,
}

struct WornView {
    name: String,
    at: String,
}

struct TagView {
    id: u64,
    name: String,
    description: String,
    worn_by: usize,
}

struct GrantView {
    id: u64,
    client: String,
    account: String,
    user: String,
    generation: u32,
    rotated: String,
    access: String,
    refresh: String,
    fingerprint: String,
    ended: Option<String>,
}

struct FaultView {
    id: u64,
    what: String,
    wants: String,
    remaining: String,
    uses: usize,
    applied: usize,
}

struct RequestView {
    number: u64,
    at: String,
    request: String,
    status: String,
    good: bool,
    operation: String,
    account: String,
    applied: &'static str,
}

impl Overview {
    pub(super) fn of(world: &World, now: Timestamp, mode: ClockMode) -> Self {
        let requests = world.requests.after(world.requests.last_number().saturating_sub(REQUESTS_MAX as u64));
        Self {
            now: moment(now),
            mode: mode.word(),
            down: outage(world).is_some(),
            accounts: world.accounts.values().map(AccountView::of).collect(),
            grants: world.grants.by_id.values().rev().map(|grant| GrantView::of(grant, now)).collect(),
            faults: world.faults.reports().map(FaultView::of).collect(),
            requests: requests.iter().rev().map(RequestView::of).collect(),
        }
    }
}

impl AccountView {
    fn of(account: &Account) -> Self {
        let newest = account.contacts.iter().rev().take(CONTACTS_MAX);
        let tags = account.tags.tags.values().map(|tag| TagView {
            id: tag.id,
            name: tag.name.clone(),
            description: tag.description.clone(),
            worn_by: account.contacts.with_tag(tag.id).count(),
        });
        Self {
            name: account.head.name.clone(),
            key: account.head.key.clone(),
            host: account.host(),
            contacts: newest.map(|contact| ContactView::of(account, contact)).collect(),
            contact_count: account.contacts.len(),
            tags: tags.collect(),
        }
    }
}

impl ContactView {
    fn of(account: &Account, contact: &Contact) -> Self {
        let worn = contact.tags.iter().map(|(tag, at)| WornView {
            name: account.tags.tags.get(tag).map(|tag| tag.name.clone()).unwrap_or_default(),
            at: moment(*at),
        });
        Self {
            id: contact.id,
            name: contact.name(),
            email: contact.first_email().to_owned(),
            created: moment(contact.create_time),
            tags: worn.collect(),
        }
    }
}

impl GrantView {
    fn of(grant: &Grant, now: Timestamp) -> Self {
        let ended = grant.revoked.as_ref().map(|revoked| {
            use crate::state::grants::RevokedWhy as Why;
            let why = match revoked.why {
                Why::Person => "revoked by a person",
                Why::Replaced => "replaced by a newer authorization",
                Why::CodeReused => "ended, its code was used twice",
                Why::RefreshReused => "ended, a spent refresh token was used again",
            };
            format!("{why}, {}", moment(revoked.at))
        });
        Self {
            id: grant.id,
            client: grant.client_id.clone(),
            account: grant.account.clone(),
            user: grant.user.clone(),
            generation: grant.generation,
            rotated: moment(grant.rotated_at),
            access: until(now, grant.access_expires_at),
            refresh: until(now, grant.refresh_expires_at),
            fingerprint: grant.refresh.fingerprint(),
            ended,
        }
    }
}

impl FaultView {
    fn of(report: &FaultReport) -> Self {
        let fault = &report.fault;
        let what = serde_json::to_value(&fault.effect).unwrap_or_default();
        let wants = [&fault.method, &fault.path, &fault.operation];
        let wants: Vec<&str> = wants.into_iter().flatten().map(String::as_str).collect();
        Self {
            id: report.id,
            what: what["kind"].as_str().unwrap_or_default().replace('_', " "),
            wants: if wants.is_empty() { "everything".to_owned() } else { wants.join(" ") },
            remaining: report.remaining.map_or("until cleared".to_owned(), |left| left.to_string()),
            uses: report.uses.len(),
            applied: report.uses.iter().filter(|used| used.applied).count(),
        }
    }
}

impl RequestView {
    fn of(report: &RequestReport) -> Self {
        let query = if report.query.is_empty() { String::new() } else { format!("?{}", report.query) };
        Self {
            number: report.number,
            at: report.at.strftime("%H:%M:%S").to_string(),
            request: format!("{} {}{query}", report.method, report.path),
            status: report.status.map_or("closed".to_owned(), |status| status.to_string()),
            good: report.status.is_some_and(|status| status < 400),
            operation: report.operation.clone(),
            account: report.account.clone().unwrap_or_default(),
            applied: if report.applied { "yes" } else { "no" },
        }
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `in 23 h 59 min`, or how long ago.
fn until(now: Timestamp, end: Timestamp) -> String {
    let seconds = end.as_second() - now.as_second();
    let span = match seconds.abs() {
        long @ 172_800.. => format!("{} days", long / 86_400),
        hours @ 3_600.. => format!("{} h {} min", hours / 3_600, hours % 3_600 / 60),
        minutes @ 60.. => format!("{} min", minutes / 60),
        short => format!("{short} s"),
    };
    if seconds > 0 { format!("in {span}") } else { format!("ended {span} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let now = Timestamp::UNIX_EPOCH;
        for (seconds, text) in [
            (45 * 86_400, "in 45 days"),
            (86_399, "in 23 h 59 min"),
            (61, "in 1 min"),
            (5, "in 5 s"),
            (-7_200, "ended 2 h 0 min ago"),
        ] {
            assert_eq!(until(now, now + jiff::SignedDuration::from_secs(seconds)), text);
        }
    }
}
