#!/usr/bin/env node
import { EXIT, Interruption } from './exit.js';
import { runCommand } from './run-command.js';
import { Terminal } from './terminal.js';

// The SDK prints a warning about Node versions to stderr, where an error is to be the only line.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const terminal = new Terminal();
const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	// The second signal finds no listener any more and ends the process at once.
	process.once(name, () => controller.abort(new Interruption(name)));
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
