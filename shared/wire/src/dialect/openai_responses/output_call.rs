//! Tool calls of an answer and items that come whole: the other half of [`Output`].

use serde_json::{Map, Value, json};

use super::item_value::{Call, Item};
use super::output::{Output, Slot};
use crate::chat::{ToolCallDelta, ToolKind};
use crate::dialect::carried;
use crate::dialect::fields::put_some;

impl Output {
    pub(super) fn head(&mut self, head: &ToolCallDelta) {
        let number = head.call as usize;
        // A number far beyond the calls so far is no number of this answer.
        if number > self.calls.len().saturating_add(1_024) {
            return;
        }
        if self.calls.len() <= number {
            self.calls.resize_with(number + 1, Slot::default);
        }
        let Some(slot) = self.calls.get_mut(number) else { return };
        let known = &mut slot.head;
        if slot.item.is_none() {
            known.kind = head.kind.clone();
        }
        if head.id.is_some() {
            known.id.clone_from(&head.id);
        }
        if !head.name.is_empty() {
            known.name.clone_from(&head.name);
        }
        if head.signature.is_some() {
            known.signature.clone_from(&head.signature);
        }
        known.extra.extend(head.extra.clone());
        if !known.name.is_empty() {
            self.open_call(number);
        }
    }

    pub(super) fn arguments(&mut self, number: u32, text: &str) {
        let Some(slot) = self.calls.get_mut(number as usize) else { return };
        match slot.item {
            None => slot.early.push_str(text),
            Some(index) => self.append_arguments(index, text),
        }
    }

    /// Begins the item of a call; a tool that ran at the provider is no call to a caller.
    pub(super) fn open_call(&mut self, number: usize) {
        let Some(slot) = self.calls.get_mut(number) else { return };
        if slot.item.is_some() || matches!(slot.head.kind, ToolKind::BuiltIn(_)) {
            return;
        }
        if slot.head.name.is_empty() && slot.head.id.is_none() && slot.early.is_empty() {
            return;
        }
        let head = slot.head.clone();
        let early = std::mem::take(&mut slot.early);
        self.end_message("completed");
        self.end_thought();
        let custom = head.kind == ToolKind::Custom;
        let id = match head.extra.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => self.id(if custom { "ctc" } else { "fc" }),
        };
        let own = head.id.clone().unwrap_or_else(|| format!("call_{}_{number}", self.base));
        let call_id = carried::seal(&own, head.signature.as_deref());
        let call = Call {
            id,
            call_id,
            name: head.name,
            custom,
            arguments: String::new(),
            status: "in_progress",
            rest: head.extra,
        };
        let index = self.add(Item::Call(call));
        if let Some(slot) = self.calls.get_mut(number) {
            slot.item = Some(index);
        }
        self.append_arguments(index, &early);
    }

    fn append_arguments(&mut self, index: usize, text: &str) {
        let Some(Item::Call(call)) = self.items.get_mut(index) else { return };
        if text.is_empty() {
            return;
        }
        call.arguments.push_str(text);
        let kind = if call.custom {
            "response.custom_tool_call_input.delta"
        } else {
            "response.function_call_arguments.delta"
        };
        self.emit(kind, index, |_| json!({"delta": text}));
    }

    pub(super) fn end_call(&mut self, index: usize, ending: &'static str) {
        if let Some(Item::Call(call)) = self.items.get(index)
            && call.arguments.is_empty()
            && !call.custom
            && ending == "completed"
        {
            // Callers read the arguments as JSON.
            self.append_arguments(index, "{}");
        }
        let Some(Item::Call(call)) = self.items.get_mut(index) else { return };
        call.status = ending;
        let (kind, fields) = if call.custom {
            ("response.custom_tool_call_input.done", json!({"input": call.arguments}))
        } else {
            let fields = json!({"arguments": call.arguments, "name": call.name});
            ("response.function_call_arguments.done", fields)
        };
        self.emit(kind, index, |_| fields);
        self.emit("response.output_item.done", index, |item| json!({"item": item.value()}));
    }

    /// Adds an item that is known as a whole, with the events that are told of its kind.
    pub(super) fn place(&mut self, mut map: Map<String, Value>, mark: &str) {
        self.end_message("completed");
        self.end_thought();
        if mark == "ig" {
            map.entry("id").or_insert_with(|| self.id(mark).into());
            map.entry("status").or_insert_with(|| "completed".into());
        }
        let failed = map.get("status").is_some_and(|status| status == "failed");
        let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut said = Map::new();
        put_some(&mut said, "code", map.get("code").filter(|code| code.is_string()));
        put_some(&mut said, "arguments", map.get("arguments").filter(|arguments| arguments.is_string()));
        let index = self.add(Item::Whole(map));
        let (begins, says, ends) = match kind.as_str() {
            "web_search_call" => {
                ("response.web_search_call.in_progress", None, Some("response.web_search_call.completed"))
            }
            "file_search_call" => {
                ("response.file_search_call.in_progress", None, Some("response.file_search_call.completed"))
            }
            "image_generation_call" => (
                "response.image_generation_call.in_progress",
                None,
                Some("response.image_generation_call.completed"),
            ),
            "code_interpreter_call" => (
                "response.code_interpreter_call.in_progress",
                Some("response.code_interpreter_call_code.done"),
                Some("response.code_interpreter_call.completed"),
            ),
            "mcp_call" => (
                "response.mcp_call.in_progress",
                Some("response.mcp_call_arguments.done"),
                Some(if failed { "response.mcp_call.failed" } else { "response.mcp_call.completed" }),
            ),
            "mcp_list_tools" => {
                ("response.mcp_list_tools.in_progress", None, Some("response.mcp_list_tools.completed"))
            }
            _ => ("", None, None),
        };
        if !begins.is_empty() {
            self.emit(begins, index, |_| json!({}));
        }
        if let Some(says) = says.filter(|_| !said.is_empty()) {
            let key = if says.ends_with("code.done") { "code" } else { "arguments" };
            let said = said.remove(key);
            self.emit(says, index, |_| json!({key: said}));
        }
        if let Some(ends) = ends {
            self.emit(ends, index, |_| json!({}));
        }
        self.emit("response.output_item.done", index, |item| json!({"item": item.value()}));
    }
}
