import { spawnSync } from 'node:child_process';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { idOf } from '#lib/ebml/ebml-schema.js';
import { master, string } from '#lib/ebml/ebml-writer.js';
import { MatroskaParser } from '#lib/mkv/parser/matroska-parser.js';
import { testWith } from '../../helpers/needs.js';
import { startServer } from '../../helpers/service/start-server.js';
import { run, temporaryDirectory } from '../../helpers/tools.js';
import { type MadeBlock, matroska, recordedChunk } from '../made-media.js';
import { ingest } from './ingested.js';

const tag = (name: string, value: string): Buffer =>
	Buffer.concat(
		master('Tags', [
			master('Tag', [master('SimpleTag', [string('TagName', name), string('TagString', value)])]),
		]),
	);

const blocks: MadeBlock[] = [0, 40, 1000, 1040, 2000].map((ticks) => ({
	track: 1,
	ticks,
	keyframe: ticks % 1000 === 0,
}));

test('tags before the first frame go with every fragment, later ones with the fragment before them', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const whole = matroska(blocks, { tracks: [1] });
	const firstCluster = whole.indexOf(Buffer.from('1f43b675', 'hex'));
	const file = join(directory, 'tagged.mkv');
	const parts = [whole.subarray(0, firstCluster), tag('TITLE', 'Garden'), whole.subarray(firstCluster)];
	await writeFile(file, Buffer.concat([...parts, tag('DURATION', '2 s')]));
	const { tags, summary } = await ingest(started, 'tagged', file);
	t.deepEqual(
		tags.map((names) => names.filter((name) => !name.startsWith('AWS_'))),
		[['TITLE=Garden'], ['TITLE=Garden'], ['TITLE=Garden', 'DURATION=2 s']],
	);
	const sizes = started.server.archive.stream('tagged')?.fragments.latest('producer', 1e15, 9) ?? [];
	t.is(
		sizes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
		summary.bytes,
	);
});

test('a file that ends inside an element is ingested up to there, and the summary says where it ends', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const whole = matroska(blocks, { tracks: [1] });
	const file = join(directory, 'cut.mkv');
	await writeFile(file, whole.subarray(0, whole.byteLength - 3));
	const cut = await ingest(started, 'cut', file);
	t.is(cut.tracks.get(1)?.length, 4);
	t.is(cut.summary.omissions.length, 1);
	t.regex(
		cut.summary.omissions[0] ?? '',
		/^the media ends inside SimpleBlock \(3 bytes are missing\) at byte \d+; the 4 frames before are taken$/,
	);

	const recorded = ['101', '102'].map((number, index) =>
		recordedChunk(number, 5000 + index * 1000, 'x'.repeat(500)),
	);
	const recording = join(directory, 'recording.mkv');
	await writeFile(recording, Buffer.concat(recorded).subarray(0, -100));
	const { summary, tracks } = await ingest(started, 'recording', recording);
	t.is(tracks.get(1)?.length, 1);
	t.like(summary, { fragments: 1, skippedDocuments: 1 });
	t.deepEqual(summary.omissions, [
		`the media ends inside SimpleBlock (100 bytes are missing) at byte ${2 * (recorded[0] as Buffer).byteLength - 100}; ` +
			`fragment 102 that begins at byte ${(recorded[0] as Buffer).byteLength} is left out`,
	]);
});

testWith('bash')('refuses a FIFO at once, and reports a file without read permission', async (t) => {
	const directory = await temporaryDirectory(t);
	const { server } = await startServer(t);
	const fifo = join(directory, 'fifo');
	t.is(spawnSync('bash', ['-c', 'mkfifo "$0"', fifo]).status, 0);
	await t.throwsAsync(server.archive.ingest('fifo', fifo), {
		code: 'KVS_MEDIA_UNSUPPORTED',
		message: /fifo`: expected a regular file$/,
	});
	if (process.getuid?.() === 0) return;
	const secret = join(directory, 'secret.mkv');
	await writeFile(secret, matroska(blocks));
	await chmod(secret, 0);
	await t.throwsAsync(server.archive.ingest('secret', secret), {
		code: 'KVS_INGEST_FAILED',
		message: /secret\.mkv`: permission denied \(EACCES\)$/,
	});
});

testWith('bash')(
	'a data directory that cannot grow fails the ingest with that reason, and keeps nothing of the file',
	async (t) => {
		const directory = await temporaryDirectory(t);
		const film = join(directory, 'film.mkv');
		await writeFile(film, matroska([{ track: 1, ticks: 0, data: Buffer.alloc(200_000) }], { tracks: [1] }));
		const data = join(directory, 'data');
		const cli = resolve('dist/cli/main.js');
		const command = `ulimit -f 100 && exec "$0" "$@"`;
		const args = [process.execPath, cli, 'serve', '--port', '0', '--data', data, '--ingest', `cam=${film}`];
		const { code, stderr } = await run('bash', ['-c', command, ...args]);
		t.is(code, 1, stderr);
		t.regex(
			stderr,
			/^KVS_INGEST_FAILED: cannot ingest `.*film\.mkv`: it cannot be written into the data directory: it is larger than the file system allows \(EFBIG\)\n$/,
		);
		t.deepEqual((await readdir(data, { recursive: true })).toSorted(), ['incoming', 'streams']);
	},
);

testWith('ffmpeg', 'mkvinfo')(
	'discard padding, codec delay and pre-roll of Opus are kept, from Matroska and from MP4',
	async (t) => {
		const directory = await temporaryDirectory(t);
		const started = await startServer(t);
		const tone = ['-v', 'error', '-f', 'lavfi', '-i', 'sine=frequency=440:duration=3:sample_rate=48000'];
		const paddings = (file: Buffer): bigint[] => {
			const found: bigint[] = [];
			const parser = new MatroskaParser({
				documentStart() {},
				documentEnd() {},
				clusterStart() {},
				header() {},
				block(...[, , , , , , , , others]) {
					for (const { id, body } of others) {
						if (id === idOf('DiscardPadding'))
							found.push(BigInt.asIntN(64, BigInt(`0x${Buffer.from(body).toString('hex')}`)));
					}
				},
			});
			parser.write(file);
			return found;
		};
		for (const name of ['opus.mkv', 'opus.mp4']) {
			const file = join(directory, name);
			t.is((await run('ffmpeg', [...tone, '-c:a', 'libopus', file])).code, 0);
			await started.server.archive.ingest(name, file);
			const [fragment] = started.server.archive.stream(name)?.fragments.latest('producer', 1e15, 1) ?? [];
			const payload = await readFile(fragment?.payload ?? '');
			// 3 s and the 312 samples of the decoder's delay are 150.325 packets of 20 ms.
			t.deepEqual(paddings(payload), [13_500_000n], name);
			const said = (await run('mkvinfo', [fragment?.payload ?? ''])).stdout;
			t.regex(said, /Codec-inherent delay: 00:00:00.006500000/);
			t.regex(said, /Seek pre-roll: 00:00:00.080000000/);
		}
	},
);
