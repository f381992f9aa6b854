import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRecording } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { commandLine } from '../helpers/program/command-line.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { pngSize, startImages } from '../server/images/start-images.js';

const film = ['-f', 'lavfi', '-i', 'testsrc2=s=32x24:r=5:d=4', '-c:v', 'libx264', '-g', '10', '-bf', '0'];
const silence = ['-f', 'lavfi', '-i', 'sine=d=4:r=8000', '-c:a', 'aac'];

withFfmpeg('images writes files named by their time, and a line for each time', async (t) => {
	const { url } = await startImages(t, film);
	const directory = join(await temporaryDirectory(t), 'images');
	const to = '2023-11-14T22:13:26Z';
	const args = ['--stream', 'cam', '--endpoint', url, '--from', '2023-11-14T22:13:20.5Z', '--by', 'producer'];
	const shape = ['--every', '1s', '--format', 'png', '--width', '64', '--height', '50'];
	const written = await commandLine(['images', ...args, '--to', to, '-o', directory, ...shape]);
	t.is(written.stdout, '');
	t.regex(written.stderr, /: 4 images, no media at 2 of the times$/m);
	t.is(written.code, 0);
	const names = ['20', '21', '22', '23'].map((second) => `2023-11-14T22.13.${second}.500Z.png`);
	t.deepEqual((await readdir(directory)).toSorted(), [...names, 'images.jsonl']);
	t.deepEqual(pngSize(await readFile(join(directory, names[0] as string))), [64, 50]);
	const lines = (await readFile(join(directory, 'images.jsonl'), 'utf8')).trim().split('\n');
	t.deepEqual(
		lines.map((line) => JSON.parse(line)),
		Array.from({ length: 6 }, (_, index) => ({
			file: names[index] ?? null,
			timestamp: `2023-11-14T22:13:2${index}.500Z`,
			error: index < 4 ? null : 'NO_MEDIA',
		})),
	);
	const json = await commandLine(['images', ...args, '--to', to, '-o', directory, '--every', '3s', '--json']);
	const events = json.stdout
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line));
	t.deepEqual(
		events.map(({ type, error }) => [type, error]),
		[
			['image', null],
			['image', null],
			['summary', undefined],
		],
	);
	t.deepEqual(events[2], { type: 'summary', images: 2, isComplete: true, withoutMedia: 0, failed: 0 });

	const before = ['--from', '2023-11-14T22:14:20Z', '--to', '2023-11-14T22:14:21Z'];
	const none = await commandLine(['images', ...args.slice(0, 4), ...before, '-o', `${directory}-2`]);
	t.is(none.code, 1);
	t.regex(none.stderr, /^KVS_EMPTY_RANGE: nothing to write to/m);
	for (const [flags, message] of [
		[[], /^KVS_INVALID_OPTION: expected `-o` to be given/m],
		[
			['-o', directory, '--width', '9'],
			/^KVS_INVALID_OPTION: expected `--height` to be given beside `--width`/m,
		],
		[['-o', directory, '--every', '1'], /--every/],
	] as const) {
		const wrong = await commandLine(['images', ...args, '--to', to, ...flags]);
		t.is(wrong.code, 2);
		t.regex(wrong.stderr, message);
	}
});

withFfmpeg('images of which some cannot be made are incomplete', async (t) => {
	const { url, server } = await startImages(t, film);
	await server.archive.ingest('cam', await makeRecording(silence), {
		start: new Date('2023-11-14T22:13:24Z'),
	});
	const directory = await temporaryDirectory(t);
	const range = ['--from', '2023-11-14T22:13:22Z', '--to', '2023-11-14T22:13:26Z', '--by', 'producer'];
	const { code, stderr } = await commandLine([
		'images',
		'--stream',
		'cam',
		'--endpoint',
		url,
		...range,
		'-o',
		directory,
	]);
	t.is(code, 3);
	t.regex(stderr, /: 2 images, 3 could not be made$/m);
});
