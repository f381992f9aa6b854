/*
 * npm run soak:frames [-- --kills N --seed N --codec hevc --layout LAYOUT]: exports of pictures, most of them as WebDataset shards,
 * that are killed (SIGKILL) at random moments and continued by the same command; what comes of them is to be the same, byte for
 * byte, as what comes of one that is never killed. The same seed chooses the same moments. `--codec hevc` has open groups of
 * pictures, two video tracks and no IDR but the first; `--layout webdataset` has those alone.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { scratch, serve } from '../bench/recording.mjs';

const { values } = parseArgs({
	options: {
		kills: { type: 'string', default: '30' },
		seed: { type: 'string', default: '1' },
		codec: { type: 'string', default: 'avc' },
		seconds: { type: 'string', default: '60' },
		layout: { type: 'string', default: '' },
	},
});
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
// Compiled with the tests.
const { randomFrom } = await import(
	new URL('../../build/test/helpers/files/damage.js', import.meta.url).href
);
const random = randomFrom(Number(values.seed));
const directory = scratch();
const say = (line) => process.stdout.write(`${line}\n`);

const shards = (size, ...select) => ['--layout', 'webdataset', '--shard-size', size, ...select];
/** Commands that are one after the other killed. */
const kinds = [
	shards('1MB', '--all'),
	shards('300KB', '--every', '7'),
	shards('300KB', '--every', '270ms', '--size', '160x120', '--format', 'rgb24'),
	shards('200KB', '--keyframes', '--format', 'png'),
	shards('100KB', '--count', '100'),
	['--layout', 'imagefolder', '--every', '2', '--size', '64x'],
	['--layout', 'files', '--all', '--size', '64x'],
].filter(([, layout]) => layout.startsWith(values.layout));

/** Runs that one folder may take. */
const MAX_RUNS = 60;

const film = join(directory, 'film.mkv');
const source = `-nostdin -v error -f lavfi -i testsrc2=s=320x240:r=30:d=${values.seconds}`.split(' ');
const codec =
	values.codec === 'hevc'
		? `-f lavfi -i mandelbrot=s=96x64:r=10 -map 0 -map 1 -t ${values.seconds} -pix_fmt yuv420p -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30:min-keyint=30:open-gop=1:bframes=3`
		: '-pix_fmt yuv420p -c:v libx264 -preset veryfast -g 30 -bf 2';
const made = spawnSync('ffmpeg', [...source, ...codec.split(' '), film], { stdio: 'inherit' });
if (made.status !== 0) throw new Error('ffmpeg made no film');

/** Runs a command; kills it after so long, if it is not over by then. Its exit status is null where it was killed. */
async function run(args, killAfterMs) {
	const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
	const timer = killAfterMs === null ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
	let said = '';
	child.stderr.on('data', (data) => {
		said += data;
	});
	const [code] = await once(child, 'close');
	clearTimeout(timer);
	return { code, said: said.trim() };
}

function digest(folder) {
	const hashOf = (name) =>
		createHash('sha256')
			.update(readFileSync(join(folder, name)))
			.digest('hex');
	return Object.fromEntries(
		readdirSync(folder)
			.sort()
			.map((name) => [name, hashOf(name)]),
	);
}

const server = await serve(
	join(directory, 'data'),
	'--quotas',
	'off',
	'--ingest',
	`door=${film}@2026-01-31T00:00:00Z`,
);
const range = ['--from', '2026-01-31T00:00:00Z', '--to', '2026-01-31T01:00:00Z', '--by', 'producer'];
let kills = 0;
let resumed = 0;
let wrong = 0;
const counts = [];
try {
	for (let turn = 0; kills < Number(values.kills); turn++) {
		const kind = turn % kinds.length;
		const args = [
			'frames',
			'--stream',
			'door',
			'--endpoint',
			server.endpoint,
			...range,
			...kinds[kind],
			'-o',
		];
		const whole = join(directory, `whole-${kind}`);
		if (counts[kind] === undefined) {
			const startMs = performance.now();
			const { code, said } = await run([...args, whole], null);
			if (code !== 0) throw new Error(`${kinds[kind].join(' ')}: ${said}`);
			counts[kind] = { folders: 0, kills: 0, tookMs: performance.now() - startMs, expected: digest(whole) };
		}
		const count = counts[kind];
		const folder = join(directory, 'killed');
		const steps = [];
		for (let isOver = false; !isOver; ) {
			if (steps.length === MAX_RUNS) throw new Error(`not through after ${MAX_RUNS} runs`);
			// A little later each time, until it is through.
			const killAfterMs = (0.1 + 0.9 * random()) * count.tookMs * (1 + steps.length / 4);
			const { code, said } = await run([...args, folder], killAfterMs);
			steps.push(code === null ? 'killed' : said.split('\n').at(-1));
			isOver = code === 0;
			if (code === null) count.kills++;
			else if (code !== 0) break;
		}
		const last = steps.at(-1);
		const killed = steps.filter((step) => step === 'killed').length;
		kills += killed;
		if (/ [1-9]\d* pictures resumed/.test(last)) resumed++;
		const found = digest(folder);
		const differs = Object.keys({ ...found, ...count.expected }).filter(
			(name) => found[name] !== count.expected[name],
		);
		const verified = await run(['verify', folder], null);
		const isRight = differs.length === 0 && verified.code === 0;
		if (!isRight) wrong++;
		count.folders++;
		say(`${isRight ? 'same ' : 'WRONG'} ${kinds[kind].join(' ')}: ${killed} kills; ${last}`);
		if (!isRight) say(`  differs: ${differs.join(' ')}; ${verified.said}`);
		rmSync(folder, { recursive: true, force: true });
	}
} finally {
	await server.stop();
}
const folders = counts.reduce((sum, count) => sum + (count?.folders ?? 0), 0);
say(
	`seed ${values.seed}, ${values.codec}: ${kills} kills in ${folders} folders, of which ${resumed} went on with finished pictures, ${wrong} wrong`,
);
if (wrong > 0) process.exitCode = 1;
