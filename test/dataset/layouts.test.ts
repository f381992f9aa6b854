import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Fragment, type Picture, type PictureFormat, verifyDataset } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { testWith } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { all, filmArchive, sha256 } from './dataset-archive.js';

const withReaders = testWith('ffmpeg', 'ffprobe', 'python3');

/** What Python's tarfile and json find in shards, in the order of their names. */
const READ_SHARDS = `
import base64, glob, json, sys, tarfile
samples = []
for shard in sorted(glob.glob(sys.argv[1] + '/*.tar')):
    with tarfile.open(shard, 'r:') as tar:
        members = tar.getmembers()
        for picture, facts in zip(members[::2], members[1::2]):
            for m in (picture, facts):
                assert m.isfile() and m.mtime == 0 and m.uid == 0 and m.gid == 0 and m.mode == 0o644, m
            key, ending = picture.name.split('.', 1)
            assert facts.name == key + '.json', facts.name
            samples.append(dict(shard=shard.rsplit('/', 1)[1], key=key, ending=ending,
                facts=json.load(tar.extractfile(facts)),
                data=base64.b64encode(tar.extractfile(picture).read()).decode()))
print(json.dumps(samples))
`;

/** What Python's json finds in a list, with the files that it names. */
const READ_LIST = `
import base64, json, sys
samples = []
for line in open(sys.argv[1] + '/' + sys.argv[2]):
    facts = json.loads(line)
    name = facts.pop(sys.argv[3])
    data = open(sys.argv[1] + '/' + name, 'rb').read()
    samples.append(dict(key=name.rsplit('.', 1)[0], ending=name.rsplit('.', 1)[1], facts=facts,
        data=base64.b64encode(data).decode()))
print(json.dumps(samples))
`;

interface Sample {
	readonly shard?: string;
	readonly key: string;
	readonly ending: string;
	readonly facts: Record<string, unknown>;
	readonly data: string;
}

async function python(...args: readonly string[]): Promise<readonly Sample[]> {
	const { stdout } = await promisify(execFile)('python3', ['-c', ...args], { maxBuffer: 1e9 });
	return JSON.parse(stdout);
}

const IMAGES: readonly PictureFormat[] = ['jpg', 'png', 'webp'];
const ENDINGS: Readonly<Record<string, string>> = { rgb24: 'rgb', bgr24: 'bgr' };

/** An image, and raw samples where the layout takes them; all formats are in `combinations.test.ts`. */
for (const [layout, formats] of [
	['files', ['png', 'bgr24']],
	['imagefolder', ['webp']],
	['webdataset', ['jpg', 'rgb24']],
] as const) {
	withReaders(
		`${layout} holds the pictures and their metadata, as Python and ffprobe read them`,
		async (t) => {
			const { archive } = await filmArchive(t, 3);
			// Each archive numbers the same film in its own way.
			const fragments = await collect<Fragment>(archive.fragments(all));
			for (const format of formats) {
				const how = { format, select: { everyNth: 7 }, size: { width: 48, height: 32 } } as const;
				const folder = join(await temporaryDirectory(t), format);
				const shardSizeBytes = layout === 'webdataset' ? 20_000 : undefined;
				const summary = await archive.exportPictures(all, folder, { ...how, layout, shardSizeBytes });
				const pictures = await collect<Picture>(archive.pictures(all, how));
				t.like(summary, { pictures: 13, pictureFailures: 0, isComplete: true, fragments: 6, resumed: 0 });
				const samples =
					layout === 'webdataset'
						? await python(READ_SHARDS, folder)
						: await python(
								READ_LIST,
								folder,
								...(layout === 'files' ? ['frames.jsonl', 'file'] : ['metadata.jsonl', 'file_name']),
							);
				t.is(samples.length, pictures.length);
				for (const [index, { key, ending, facts, data }] of samples.entries()) {
					const picture = pictures[index] as Picture;
					t.true(Buffer.from(picture.data).equals(Buffer.from(data, 'base64')), key);
					t.is(ending, ENDINGS[format] ?? format);
					const iso = picture.timestamp?.toISOString() as string;
					const compact = `${iso.replace(/[-:.Z]/g, '')}000Z-t1`;
					t.is(key, layout === 'files' ? iso.replaceAll(':', '.') : compact);
					t.deepEqual(facts, {
						fragmentNumber: fragments[picture.index]?.fragmentNumber,
						track: 1,
						timestamp: iso,
						timestampByServer: new Date(picture.frame.serverTimestampMs as number).toISOString(),
						producerTimestamp: picture.producerTimestamp?.toISOString(),
						serverTimestamp: picture.frame.fragment.serverTimestamp?.toISOString(),
						keyframe: picture.keyframe,
						width: 48,
						height: 32,
						format,
					});
				}
				t.deepEqual(
					samples.map(({ key }) => key).toSorted(),
					samples.map(({ key }) => key),
				);
				if (IMAGES.includes(format)) {
					const image = join(folder, `../first.${format}`);
					await writeFile(image, Buffer.from(samples[0]?.data as string, 'base64'));
					const args = ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', image];
					t.is((await run('ffprobe', args)).stdout.trim(), '48,32');
				}
				if (layout === 'webdataset') await shardsKeepTheirSize(folder, samples, 20_000);
				t.like(await verifyDataset(folder), { layout, pictures: 13, damage: [] });
				const names = await readdir(folder);
				t.false(names.some((name) => name.startsWith('.')));
			}

			async function shardsKeepTheirSize(folder: string, samples: readonly Sample[], maxBytes: number) {
				const shards = (await readdir(folder)).filter((name) => name.endsWith('.tar')).sort();
				t.deepEqual(
					shards,
					shards.map((_, index) => `door-${String(index).padStart(6, '0')}.tar`),
				);
				for (const shard of shards) {
					const { size } = await stat(join(folder, shard));
					const count = samples.filter((sample) => sample.shard === shard).length;
					t.true(count === 1 || size <= maxBytes, `${shard}: ${size} bytes of ${count} samples`);
				}
			}
		},
	);
}

withReaders('a sample that is larger than a shard is alone in one', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const folder = join(await temporaryDirectory(t), 'shards');
	const how = { format: 'rgb24', select: { everyNth: 30 }, layout: 'webdataset', shardSizeBytes: 1 } as const;
	await archive.exportPictures(all, folder, how);
	const samples = await python(READ_SHARDS, folder);
	t.deepEqual(
		samples.map(({ shard, data }) => [shard, Buffer.from(data, 'base64').length]),
		[0, 1, 2].map((number) => [`door-00000${number}.tar`, 96 * 64 * 3]),
	);
	const text = await readFile(join(folder, 'manifest.jsonl'), 'utf8');
	const lines = text
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line));
	const shard = await readFile(join(folder, 'door-000001.tar'));
	t.deepEqual(lines.filter(({ type }) => type === 'file')[1], {
		type: 'file',
		file: { name: 'door-000001.tar', bytes: shard.byteLength, sha256: sha256(shard), samples: 1 },
	});
});

withReaders('what a layout cannot hold is refused before anything is made', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const folder = join(await temporaryDirectory(t), 'never');
	for (const [options, message] of [
		[
			{ layout: 'imagefolder', format: 'rgb24' },
			/`format` to be jpg, png, webp with the layout imagefolder, got `rgb24`/,
		],
		[{ layout: 'tar' }, /`layout` to be one of files, imagefolder, webdataset/],
		[{ layout: 'files', shardSizeBytes: 5 }, /`shardSizeBytes` to be used with the layout webdataset/],
		[{ layout: 'webdataset', shardSizeBytes: 0.5 }, /`shardSizeBytes` to be a whole number above 0/],
		[{ order: 'arrival' }, /^expected `order` to be one of the options `signal`, /],
	] as const) {
		await t.throwsAsync(archive.exportPictures(all, folder, options as object), {
			code: 'KVS_INVALID_OPTION',
			message,
		});
	}
	await t.throwsAsync(stat(folder), { code: 'ENOENT' });
});
