#!/usr/bin/env node
import { EXIT, Interruption } from './exit.js';
import { runCommand } from './run-command.js';
import { Terminal } from './terminal.js';

// The SDK prints a warning about Node versions to stderr, where an error is to be the only line.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** How often it is looked whether npm's shell is still there. */
const PARENT_CHECK_MS = 500;

/** How long what is left may keep the process, after an interrupt, in milliseconds. */
const LEAVING_MS = 1000;

const terminal = new Terminal();
const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	// The second signal finds no listener any more and ends the process at once.
	process.once(name, () => controller.abort(new Interruption(name)));
}

// npm and npx start a shell that starts this: a signal to npm ends the shell, and would leave this running, its port in use.
if (process.env['npm_command'] !== undefined) {
	const parent = process.ppid;
	setInterval(() => {
		if (process.ppid !== parent) controller.abort(new Interruption('SIGTERM'));
	}, PARENT_CHECK_MS).unref();
}

let isOver = false;
process.exitCode = EXIT.failed;
process.once('exit', () => {
	// Node leaves when nothing is left that could wake a promise: then something here has lost its thread.
	if (!isOver) terminal.say('KVS_INTERNAL: internal error: the event loop ended before the command did');
});
process.exitCode = await runCommand(process.argv.slice(2), {
	terminal,
	signal: controller.signal,
	nowMs: Date.now(),
});
isOver = true;
// A module of the caller's may not heed its signal; who has interrupted the process waits for its end.
if (controller.signal.aborted) setTimeout(() => process.exit(), LEAVING_MS).unref();
