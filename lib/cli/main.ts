#!/usr/bin/env node
import { describeExit, EXIT, Interruption } from './exit.js';
import { createProgram } from './program.js';
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
	if (!isOver) terminal.say('KVS_INTERNAL: the command stopped before its end');
});
try {
	const program = createProgram({ terminal, signal: controller.signal, nowMs: Date.now() }, (code) => {
		process.exitCode = code;
	});
	await program.parseAsync();
} catch (error) {
	const { exitCode, line } = describeExit(error);
	process.exitCode = exitCode;
	if (line !== null) terminal.say(line);
	if (process.argv.includes('--verbose') && error instanceof Error) terminal.say(String(error.stack));
}
isOver = true;
