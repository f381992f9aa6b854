import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { startMs } from '../helpers/media/range.js';
import { withFfmpeg } from '../helpers/needs.js';
import { commandLine } from '../helpers/program/command-line.js';
import { startArchive } from '../helpers/service/archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

/** Options of the time around the end of a camera that is dead: what is wanted does not all come. */
async function lateOptions(t: ExecutionContext): Promise<string[]> {
	const { endpoint } = await startArchive(t, { cam: resolve('examples/media/clock.mkv') });
	const at = new Date(startMs + 8000).toISOString();
	const around = ['--around', at, '--before', '2s', '--after', '1h', '--wait', '10ms'];
	return ['--stream', 'cam', '--endpoint', endpoint, '--by', 'producer', ...around];
}

const OVER =
	/^no fragment after 2026-01-31T01:00:08\.000Z was listed within the time of --wait: the range may be incomplete$/m;

withFfmpeg(
	'events, export and frames give the media stored so far when the wait is over, and report it',
	async (t) => {
		const options = await lateOptions(t);
		const directory = await temporaryDirectory(t);
		const file = join(directory, 'around.mp4');
		const pictures = join(directory, 'pictures');
		for (const command of [['events'], ['export', '-o', file], ['frames', '-o', pictures, '--keyframes']]) {
			const { code, stderr, stdout } = await commandLine([...command, ...options]);
			t.is(code, 0, `${command[0]}: ${stderr}`);
			t.regex(stderr, OVER, command[0]);
			if (command[0] === 'events') t.regex(stdout, /^fragment 0 /);
		}
		t.true((await stat(file)).size > 10_000);
		t.true((await readdir(pictures)).includes('2026-01-31T00.00.06.000Z.jpg'));
	},
);
