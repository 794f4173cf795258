//! Which records are old enough to go. Their sums stay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_gateway::StoreError;
use redb::{ReadableTable, WriteTransaction};

use super::failure;
use super::file::DatabaseFile;
use super::tables::RECORDS;

/// Records removed in one transaction, so that no commit waits long for it.
const AT_ONCE: usize = 2000;

/// Removes some of the records that are older than `keep`; says how many.
pub(super) fn prune(file: &DatabaseFile, keep: Duration) -> Result<usize, StoreError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let Some(oldest) = now.checked_sub(keep) else { return Ok(0) };
    let bound = first_id(oldest);
    let transaction = file.begin_write()?;
    let removed = remove_before(&transaction, &bound).map_err(|error| failure(&error))?;
    let ended = if removed == 0 {
        transaction.abort().map_err(|error| failure(&error))
    } else {
        transaction.commit().map_err(|error| failure(&error))
    };
    ended.map(|()| removed)
}

fn remove_before(transaction: &WriteTransaction, bound: &str) -> Result<usize, redb::Error> {
    let mut records = transaction.open_table(RECORDS)?;
    let old = records.range::<&str>(..bound)?.take(AT_ONCE);
    let ids = old.map(|row| row.map(|(id, _)| id.value().to_owned())).collect::<Result<Vec<_>, _>>()?;
    for id in &ids {
        records.remove(id.as_str())?;
    }
    Ok(ids.len())
}

/// What the ids of records begin with that arrived at this time since 1970: in a UUID of version 7 (RFC 9562) the
/// first 48 bits are the milliseconds.
fn first_id(time: Duration) -> String {
    let millis = time.as_millis();
    format!("{:08x}-{:04x}", (millis >> 16) & 0xffff_ffff, millis & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_sort_by_it() {
        // The example of RFC 9562, appendix A.6.
        let id = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
        let time = Duration::from_millis(0x017f_22e2_79b0);
        assert!(first_id(time).as_str() <= id);
        assert!(first_id(time + Duration::from_millis(1)).as_str() > id);
    }
}
