import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { testWith } from './helpers/needs.js';
import { run, temporaryDirectory } from './helpers/tools.js';

/** What an example must have printed. */
const printed: Readonly<Record<string, RegExp>> = {
	'call-as-wav.ts':
		/^call 5f1e\S+: 2000 ms, 2 fragments, 2 of other calls\ncalls-001\.wav: call 5f1e\S+, 2000 ms\ncalls-002\.wav: call 9b0c\S+, 2000 ms\n$/,
	'event-worker.ts':
		/^(\d+): something moves, 5 pictures\n\d+: nothing moves, 5 pictures\n\1: was done before\n$/,
	'export-range.ts':
		/example\.mp4: 4 of 4 fragments, 495 frames, 147230 bytes\n\d+ bytes are what they were\n$/,
	'frames-for-a-model.ts':
		/^(?=[\s\S]*"clock":"00:00:10\.\d{3}","offMs":0,)(\{"pictures":8,"shape":\[8,360,480,1\]\}\n(\{"at":"2026-01-31T14:03:\d\d\.\d{3}Z","clock":"[\d:.]*","offMs":(-?\d+|null),"fragmentNumber":"\d+"\}\n){8}){2}\{"fragments":8,"delivered":8,"pictureFailures":0\}\n$/,
	'motion-alarm.ts':
		/^(\{"motion":"begins","at":"[^"]+Z","change":1[2-9]\.\d+,"fragmentNumber":"\d+"\}\n(\{"motion":"ends",[^\n]+\}\n)?){4}\{"pictures":32\}\n$/,
	'motion.ts':
		/^\{"at":"2026-01-31T14:03:00\.\d{3}Z","motion":\d+\.\d+,"fragmentNumber":"\d+"\}\n[\s\S]*\{"fragments":8,"delivered":8,"pictureFailures":0\}\n$/,
	'playback-url.ts':
		/^for 15 minutes: ffplay 'http:\S+getHLSMasterPlaylist\.m3u8\?SessionToken=\S+'\n#EXTM3U\n[\s\S]*\nthen: another URL\n$/,
	'read-fetched-media.ts':
		/^2026-01-31T14:03:00\.000Z: 119 frames, 34603 bytes\n2026-01-31T14:03:02\.000Z: 124 frames, 37780 bytes\n$/,
	'read-live.ts': /^(\d+ frames, \d+ bytes, \d+\.\d s behind now\n){5}5 fragments, none failed\n$/,
	'react-to-event.ts':
		/^fragment 0 from 2026-01-31T14:03:02\.000Z\n[\s\S]*most movement at 2026-01-31T14:03:\d\d\.\d{3}Z/,
	'recorder.ts':
		/^(door-2026-01-31T14-0\d-[\d.-]+Z\.mp4: \d\.\d s, [0-9a-f]{8}…\n){4}4 files, 8 fragments, 0 damaged\n$/,
};

/** The examples that decode pictures. */
const decoding = ['event-worker.ts', 'frames-for-a-model.ts', 'motion-alarm.ts', 'motion.ts'];

/** The examples that write where their argument says. */
const writing = ['event-worker.ts', 'export-range.ts', 'recorder.ts'];

/** What they share. */
const helpers = ['local-archive.ts', 'local-queue.ts', 'motion-between.ts'];

const scenarios = (await readdir(resolve('examples'))).filter(
	(name) => name.endsWith('.ts') && !helpers.includes(name),
);

for (const name of scenarios) {
	testWith(...(decoding.includes(name) ? ['ffmpeg'] : []))(`${name} runs`, async (t) => {
		const file = join(await temporaryDirectory(t), 'example.mp4');
		const { code, stdout, stderr } = await run(process.execPath, [
			resolve('build/examples', name.replace('.ts', '.js')),
			file,
		]);
		t.is(code, 0, stderr);
		t.is(stderr, '');
		t.regex(stdout, printed[name] ?? /^$/);
		t.is(existsSync(file), writing.includes(name));
	});
}

test('every example is in the table of examples', async (t) => {
	const table = await readFile(resolve('examples/README.md'), 'utf8');
	for (const name of scenarios) t.true(table.includes(`(${name})`), name);
});
