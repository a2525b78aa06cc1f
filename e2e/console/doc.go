// Package console tries the web console as a person does: with Debian's Chromium,
// by mouse and keyboard, against a daemon with real packets. The scripts are in
// JavaScript (*.mjs) because Playwright is; this package starts the daemon, runs
// them and ends what they started. A script that fails leaves a screenshot and a
// trace in out/.
package console
