//! Debian's Chromium, driven over its DevTools protocol: headless, with an empty profile, each tab in a context of its own.
//! What pages ask of the network and say on the console is kept, so that a test can hold them to silence.

#![allow(clippy::disallowed_methods, reason = "waiting for a browser")]

use base64::Engine as _;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// Longest wait for anything in a browser.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most presses of Tab on the way to something.
const TABS_MAX: usize = 300;
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// A browser with nothing in its profile; gone when dropped.
pub struct Browser {
    process: Child,
    _profile: tempfile::TempDir,
    wire: Rc<RefCell<Wire>>,
}

impl Browser {
    /// Starts one; `None` where Chromium is not installed.
    pub fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new("chromium");
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
        let mut lines =
            BufReader::new(process.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned));
        let address = address.expect("Chromium says where it listens");
        // What it says from here on would fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let (socket, _) = tungstenite::connect(&address).expect("Chromium answers");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        }
        let wire = Wire { socket, next: 0, heard: Vec::new() };
        Some(Self { process, _profile: profile, wire: Rc::new(RefCell::new(wire)) })
    }

    /// A tab with cookies and storage of its own.
    pub fn tab(&self, origin: &str) -> Tab {
        let call = |method: &str, params: Value| self.wire.borrow_mut().call(None, method, params);
        let context = call("Target.createBrowserContext", json!({}))["browserContextId"].clone();
        let about = json!({"url": "about:blank", "browserContextId": context});
        let target = call("Target.createTarget", about)["targetId"].clone();
        let session = call("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        let tab = Tab { wire: self.wire.clone(), session, context, origin: origin.to_owned() };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

struct Wire {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    next: u64,
    /// Every event so far: session, method, parameters.
    heard: Vec<(String, String, Value)>,
}

impl Wire {
    fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        let answer = self.ask(session, method, params);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// The whole answer, a fault or a result.
    fn ask(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.socket.send(Message::text(message.to_string())).expect("Chromium listens");
        loop {
            let heard = self.hear();
            if heard["id"] == id {
                return heard;
            }
        }
    }

    /// The next message; events are kept.
    fn hear(&mut self) -> Value {
        loop {
            let message = self.socket.read().expect("Chromium speaks");
            let Message::Text(text) = message else { continue };
            let heard: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(method) = heard["method"].as_str() {
                let session = heard["sessionId"].as_str().unwrap_or_default().to_owned();
                self.heard.push((session, method.to_owned(), heard["params"].clone()));
            }
            return heard;
        }
    }
}

/// A tab.
pub struct Tab {
    wire: Rc<RefCell<Wire>>,
    session: String,
    context: Value,
    origin: String,
}

impl Tab {
    fn call(&self, method: &str, params: Value) -> Value {
        self.wire.borrow_mut().call(Some(&self.session), method, params)
    }

    /// Opens a page of the shop and waits until it is loaded.
    pub fn open(&self, path: &str) {
        self.leave(|| _ = self.call("Page.navigate", json!({"url": format!("{}{path}", self.origin)})));
    }

    /// Does what leads to another page and waits until that is loaded.
    pub fn leave(&self, act: impl FnOnce()) {
        self.eval("window.isOld = true");
        act();
        self.wait("document.readyState === 'complete' && !window.isOld");
    }

    /// The value of an expression.
    pub fn eval(&self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds, over loads of pages too.
    pub fn wait(&self, expression: &str) {
        let since = Instant::now();
        let holds = || {
            let ask = json!({"expression": expression, "returnByValue": true});
            // While a page goes and another comes there is nobody to answer.
            let answer = self.wire.borrow_mut().ask(Some(&self.session), "Runtime.evaluate", ask);
            answer["result"]["result"]["value"] == true
        };
        while !holds() {
            assert!(
                since.elapsed() < PATIENCE,
                "this never came: {expression}\nat {}",
                self.eval("location.href")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types text into what has the focus.
    pub fn write(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Presses a key: Tab, Enter, Escape, Space, ArrowDown or ArrowUp.
    pub fn press(&self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "Escape" => ("Escape", 27, ""),
            "Space" => ("Space", 32, " "),
            "ArrowDown" => ("ArrowDown", 40, ""),
            "ArrowUp" => ("ArrowUp", 38, ""),
            other => panic!("no key {other}"),
        };
        let name = if key == "Space" { " " } else { key };
        let event = json!({"type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": name, "code": code, "windowsVirtualKeyCode": number, "text": text});
        self.call("Input.dispatchKeyEvent", event);
        self.call(
            "Input.dispatchKeyEvent",
            json!({"type": "keyUp", "key": name, "code": code, "windowsVirtualKeyCode": number}),
        );
    }

    /// Goes with the Tab key until what has the focus matches the selector, and sees that the focus shows.
    pub fn reach(&self, selector: &str) {
        let is_there = format!("document.activeElement.matches({})", json!(selector));
        for _ in 0..TABS_MAX {
            if self.eval(&is_there) == true {
                let outline = self.eval("getComputedStyle(document.activeElement).outlineStyle");
                assert_ne!(outline, "none", "the focus on {selector} does not show");
                return;
            }
            self.press("Tab");
        }
        panic!("the keyboard does not reach {selector} at {}", self.eval("location.href"));
    }

    /// Clicks in the middle of what matches first.
    pub fn click(&self, selector: &str) {
        let find = format!(
            "(() => {{ const found = document.querySelector({}); found.scrollIntoView({{block: 'center'}});
               const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] }})()",
            json!(selector)
        );
        let at = self.eval(&find);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Sets the size of the window in CSS pixels.
    pub fn size(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Writes a picture of the window.
    pub fn picture(&self, path: &Path) {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().expect("a picture"));
        std::fs::write(path, bytes.expect("base64")).expect("it can be written");
    }

    /// The cookies of the tab's context: name and value, by name.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let ask = json!({"browserContextId": self.context});
        let all = self.wire.borrow_mut().call(None, "Storage.getCookies", ask);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = all["cookies"].as_array().into_iter().flatten();
        let mut cookies: Vec<_> = list.map(|one| (text(&one["name"]), text(&one["value"]))).collect();
        cookies.sort();
        cookies
    }

    /// What the pages did that they must not: asked others, failed to load something, complained on the console.
    pub fn faults(&self) -> Vec<String> {
        let wire = self.wire.borrow();
        let fault = |(session, method, params): &(String, String, Value)| {
            if *session != self.session {
                return None;
            }
            match method.as_str() {
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str().unwrap_or_default();
                    (!url.starts_with(&self.origin)).then(|| format!("asked elsewhere: {url}"))
                }
                "Network.responseReceived" => {
                    let status = params["response"]["status"].as_u64().unwrap_or_default();
                    (status >= 400).then(|| format!("{status} for {}", params["response"]["url"]))
                }
                "Runtime.exceptionThrown" => Some(format!("threw: {params}")),
                "Runtime.consoleAPICalled" => Some(format!("said: {params}")),
                "Log.entryAdded" => Some(format!("logged: {}", params["entry"])),
                _ => None,
            }
        };
        wire.heard.iter().filter_map(fault).collect()
    }
}
