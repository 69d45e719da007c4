//! The `x-keap-*` headers, on every answer of the API.
//!
//! Observed: a 401 carries them too, with blank numbers; the account's headers hold two windows, piped.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::state::accounts::host_of;
use crate::state::quota::{QuotaReport, Usage};

pub(super) fn write(headers: &mut HeaderMap, quota: Option<&QuotaReport>, account: Option<&str>) {
    let blank = Usage { limit: None, used: 0 };
    let (day, minute) = quota.map_or((blank, blank), |quota| (quota.day, quota.minute));
    let (tenant_minute, tenant_day) =
        quota.map_or((blank, blank), |quota| (quota.tenant_minute, quota.tenant_day));
    let known = quota.is_some();
    let number = |number: Option<u32>| number.filter(|_| known).map(|it| it.to_string()).unwrap_or_default();
    let pair = |left, right| format!("{}|{}", number(left), number(right));
    let expiry = quota.map(|quota| quota.day_ends_at_millis.to_string()).unwrap_or_default();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-keap-product-quota-limit", &number(day.limit));
    put("x-keap-product-quota-time-unit", if known { "day" } else { "" });
    put("x-keap-product-quota-interval", if known { "1" } else { "" });
    put("x-keap-product-quota-available", &number(day.available()));
    put("x-keap-product-quota-used", &number(Some(day.used)));
    put("x-keap-product-quota-expiry-time", &expiry);
    put("x-keap-product-throttle-limit", &number(minute.limit));
    put("x-keap-product-throttle-time-unit", if known { "minute" } else { "" });
    put("x-keap-product-throttle-interval", if known { "1" } else { "" });
    put("x-keap-product-throttle-available", &number(minute.available()));
    put("x-keap-product-throttle-used", &number(Some(minute.used)));
    put("x-keap-product-spike-limit", "");
    put("x-keap-tenant-id", &account.map(host_of).unwrap_or_default());
    put("x-keap-tenant-throttle-limit", &pair(tenant_minute.limit, tenant_day.limit));
    put("x-keap-tenant-throttle-time-unit", if known { "minute|day" } else { "|" });
    put("x-keap-tenant-throttle-interval", if known { "1|1" } else { "|" });
    put("x-keap-tenant-throttle-available", &pair(tenant_minute.available(), tenant_day.available()));
    put("x-keap-tenant-throttle-used", &pair(Some(tenant_minute.used), Some(tenant_day.used)));
}
