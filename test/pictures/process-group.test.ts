import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { writeShellProgram } from '../helpers/program/shell-program.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

/** A process that starts a decoder and, as soon as this has said something, prints what it said and ends by itself. */
const program = (path: string, end: string): string => `
	const { FfmpegProcess } = await import('#lib/pictures/ffmpeg-process.js');
	const { systemClock } = await import('#lib/pace/clock.js');
	const { writeSync } = await import('node:fs');
	const onLine = ({ text }) => { writeSync(1, text); ${end} };
	new FfmpegProcess({ path: ${JSON.stringify(path)}, args: [], onLine, timeoutMs: 1e9, clock: systemClock });
`;

const ENDS = {
	'process.exit': 'process.exit(3)',
	'an error that is not caught': "throw new Error('thrown')",
};

for (const [name, end] of Object.entries(ENDS)) {
	test(`the processes of a decoder end with this process when it ends by ${name}`, async (t) => {
		const path = join(await temporaryDirectory(t), 'decoder');
		// It does not read its input, and so would not notice that this ends.
		writeShellProgram(path, 'sleep 1000 &\necho $! >&2\nwait');
		const child = spawn(process.execPath, ['--input-type=module', '-e', program(path, end)]);
		let [said, complaints] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			said += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			complaints += text;
		});
		const code = await new Promise((resolve) => child.once('close', resolve));
		const pid = Number(said);
		t.true(pid > 1, complaints);
		t.not(code, 0);
		await until(
			() => !isRunning(pid),
			() => `the process ${pid} runs; ${complaints}`,
		);
	});
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
