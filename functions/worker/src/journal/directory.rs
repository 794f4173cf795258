//! The Durable Object that knows which tenants have records.

use worker::{DurableObject, Env, Request, Response, Result, SqlStorageValue, State, durable_object};

use super::message::Known;
use super::{SQL, answer_sql};

/// The one object's name.
pub(super) const NAME: &str = "tenants";
pub(super) const ADD: &str = "/add";
pub(super) const LIST: &str = "/list";

/// The names of tenants.
#[durable_object(fetch)]
pub struct Directory {
    state: State,
}

impl DurableObject for Directory {
    fn new(state: State, _: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if request.path() == SQL {
            return answer_sql(&self.state);
        }
        let body = request.bytes().await?;
        let sql = self.state.storage().sql();
        sql.exec("CREATE TABLE IF NOT EXISTS tenant (name TEXT PRIMARY KEY) WITHOUT ROWID", None)?;
        match request.path().as_str() {
            ADD => {
                let name: String = serde_json::from_slice(&body)?;
                sql.exec("INSERT OR IGNORE INTO tenant VALUES (?)", vec![name.into()])?;
                Response::from_json(&())
            }
            LIST => {
                let known: Known = serde_json::from_slice(&body)?;
                let query = "SELECT name FROM tenant WHERE name > ? ORDER BY name LIMIT ?";
                let bindings = vec![known.after.unwrap_or_default().into(), (known.limit as i64).into()];
                let mut names = Vec::new();
                for row in sql.exec(query, bindings)?.raw() {
                    names.extend(row?.into_iter().filter_map(|value| match value {
                        SqlStorageValue::String(name) => Some(name),
                        _ => None,
                    }));
                }
                Response::from_json(&names)
            }
            _ => Response::error("no such question", 404),
        }
    }
}
