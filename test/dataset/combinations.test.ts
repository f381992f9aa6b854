/*
 * Every size and fit in every format and layout. A film of two pictures is decoded once for each size, fit and format, and what
 * came is written in each layout; all of a format is judged at once: by Python what is in the folders, by ffprobe and ffmpeg what
 * the pictures are.
 */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import {
	DatasetSink,
	KvsArchive,
	type MediaEvent,
	MkvReader,
	type Picture,
	PictureDecoder,
	type PictureFormat,
	type PictureLayout,
	verifyDataset,
} from 'kvs-archive';
import { element } from '#lib/ebml/ebml-writer.js';
import { collect } from '../helpers/collect.js';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { CELLS, cells, findCells, h264, SOURCE, type Wanted } from '../pictures/cells.js';
import { ffmpegOutput, type Image } from '../pictures/pixels.js';
import { all, sha256 } from './dataset-archive.js';

const withReaders = testWith('ffmpeg', 'ffprobe', 'python3');

const IMAGES: readonly PictureFormat[] = ['jpg', 'png', 'webp'];
const FORMATS: readonly PictureFormat[] = [...IMAGES, 'rgb24', 'bgr24', 'nv12', 'gray'];
const LAYOUTS: readonly PictureLayout[] = ['files', 'imagefolder', 'webdataset'];
const ENDINGS: Readonly<Record<string, string>> = { rgb24: 'rgb', bgr24: 'bgr' };

const everyFit = (width: number, height: number): Wanted[] =>
	(['cover', 'contain', 'fill'] as const).map((fit) => ({ size: { width, height }, fit, width, height }));

/** None, one side, landscape, portrait, odd, and the smallest that there is. */
const WANTED: readonly Wanted[] = [
	{ ...SOURCE },
	{ size: { width: 48 }, width: 48, height: 30 },
	{ size: { height: 75 }, width: 120, height: 75 },
	...everyFit(200, 90),
	...everyFit(60, 96),
	...everyFit(111, 41),
	...everyFit(1, 1),
];

const PICTURES = 2;

/** What Python's tarfile and json find in the folders within one, each with the hashes of its pictures in their order. */
const READ_FOLDERS = `
import glob, hashlib, json, os, sys, tarfile
def listed(folder, name, field):
    with open(os.path.join(folder, name)) as lines:
        for line in lines:
            facts = json.loads(line)
            file = facts.pop(field)
            with open(os.path.join(folder, file), 'rb') as picture:
                yield file, facts, picture.read()
def shards(folder):
    for shard in sorted(glob.glob(folder + '/*.tar')):
        with tarfile.open(shard, 'r:') as tar:
            members = tar.getmembers()
            for picture, facts in zip(members[::2], members[1::2]):
                assert facts.name == picture.name.split('.', 1)[0] + '.json', facts.name
                yield picture.name, json.load(tar.extractfile(facts)), tar.extractfile(picture).read()
READERS = dict(files=lambda f: listed(f, 'frames.jsonl', 'file'),
    imagefolder=lambda f: listed(f, 'metadata.jsonl', 'file_name'), webdataset=shards)
print(json.dumps({name: [dict(file=file, facts=facts, sha256=hashlib.sha256(data).hexdigest())
    for file, facts, data in READERS[name.split('-')[1]](os.path.join(sys.argv[1], name))]
    for name in os.listdir(sys.argv[1])}))
`;

interface FoundSample {
	readonly file: string;
	readonly facts: Readonly<Record<string, unknown>>;
	readonly sha256: string;
}

async function readFolders(root: string): Promise<Readonly<Record<string, readonly FoundSample[]>>> {
	const args = ['-c', READ_FOLDERS, root];
	const { stdout } = await promisify(execFile)('python3', args, { maxBuffer: 1e8 });
	return JSON.parse(stdout);
}

let film: Promise<MediaEvent[]> | null = null;

/** The cells, and then the same in the opposite colours, as a fragment of the service. */
async function makeFilm(): Promise<MediaEvent[]> {
	const file = await readFile(await cells(h264, undefined, 'negate'));
	const events = await collect(Readable.from([file]).compose(new MkvReader()) as AsyncIterable<MediaEvent>);
	const frames = events.filter((event) => event.type === 'frame');
	const document = fragmentDocument({
		number: fragmentNumber(1),
		producerMs: startMs,
		tracks: frames.slice(0, 1).map(({ track }) => element('TrackEntry', [track.entry])),
		blocks: frames.map(({ track, timecodeNs, keyframe, data }) => ({
			trackNumber: track.number,
			relativeTicks: Number(timecodeNs / 1_000_000n),
			keyframe,
			data,
		})),
	});
	return collect(Readable.from([document]).compose(new MkvReader()) as AsyncIterable<MediaEvent>);
}

async function decode(format: PictureFormat, { size, fit }: Wanted): Promise<readonly Picture[]> {
	film ??= makeFilm();
	const decoder = new PictureDecoder({ format, size, fit, quality: 100 });
	const decoded = collect(decoder as AsyncIterable<Picture>);
	await pipeline(Readable.from(await film), decoder);
	return decoded;
}

/** Pictures of any sizes as other programs read them: their sizes by ffprobe, their samples by ffmpeg; raw ones are what they are. */
async function read(pictures: readonly Picture[], format: PictureFormat): Promise<readonly Image[]> {
	if (format !== 'jpg' && format !== 'png' && format !== 'webp') {
		return pictures.map(({ width, height, data }) => ({ format, width, height, data }));
	}
	const reader = ['-f', { jpg: 'jpeg_pipe', png: 'png_pipe', webp: 'webp_pipe' }[format], '-i', 'pipe:0'];
	const sizes = ['-v', 'error', ...reader, '-show_entries', 'frame=width,height', '-of', 'csv=p=0'];
	const input = Buffer.concat(pictures.map(({ data }) => data));
	const probe = promisify(execFile)('ffprobe', sizes);
	probe.child.stdin?.on('error', () => {});
	probe.child.stdin?.end(input);
	const raw = ['-vsync', 'passthrough', '-autoscale', '0', '-pix_fmt', 'rgb24', '-f', 'rawvideo'];
	const samples = await ffmpegOutput([...reader, ...raw], input);
	let at = 0;
	return (await probe).stdout
		.trim()
		.split('\n')
		.map((line) => {
			const [width = 0, height = 0] = line.split(',').map(Number);
			const data = samples.subarray(at, at + 3 * width * height);
			at += data.byteLength;
			return { format: 'rgb24', width, height, data };
		});
}

function shapeOf(format: PictureFormat, { width, height }: Wanted): readonly number[] | null {
	if (format === 'rgb24' || format === 'bgr24') return [height, width, 3];
	if (format === 'gray') return [height, width];
	return IMAGES.includes(format) || width % 2 || height % 2 ? null : [height * 1.5, width];
}

/** The two pictures of each size and fit, in that order, are the view that is wanted. */
async function checkViews(t: ExecutionContext, format: PictureFormat, pictures: Picture[]): Promise<void> {
	const images = await read(pictures, format);
	t.is(images.length, PICTURES * WANTED.length);
	for (const [index, image] of images.entries()) {
		const wanted = WANTED[Math.floor(index / PICTURES)] as Wanted;
		const what = `${format} ${JSON.stringify(wanted)}, picture ${index % PICTURES}`;
		t.like(pictures[index], { width: wanted.width, height: wanted.height }, what);
		t.deepEqual(pictures[index]?.shape, shapeOf(format, wanted), what);
		t.deepEqual([image.width, image.height], [wanted.width, wanted.height], `${what}, to another reader`);
		const found = findCells(image, images[index % PICTURES] as Image, format, wanted);
		t.is(found.wrong, null, what);
		// Of one pixel nothing is known but that it is there.
		if (wanted.width === 1) continue;
		t.is(found.hasBars, wanted.fit === 'contain', what);
		if (wanted.fit === 'cover') t.true(found.cells.size >= 4, what);
		else t.is(found.cells.size, CELLS.length, `${what}: every cell is there`);
	}
}

/** Which layouts have pictures of a format: what Y4M is made of is in none. */
function layoutsOf(format: PictureFormat): readonly PictureLayout[] {
	if (format === 'yuv420p') return [];
	return LAYOUTS.filter((layout) => layout !== 'imagefolder' || IMAGES.includes(format));
}

for (const format of [...FORMATS, 'yuv420p'] as const) {
	const layouts = layoutsOf(format);
	withReaders(`${format}: every size and fit in every layout, as other readers see it`, async (t) => {
		const root = await temporaryDirectory(t);
		const pictures: Picture[] = [];
		const expected: Record<string, FoundSample[]> = {};
		for (const [nth, wanted] of WANTED.entries()) {
			const two = await decode(format, wanted);
			pictures.push(...two);
			for (const layout of layouts) {
				const name = `${nth}-${layout}`;
				await pipeline(Readable.from(two), new DatasetSink(join(root, name), { layout }));
				expected[name] = two.map((picture, index) => {
					const timestamp = new Date(startMs + index * 40).toISOString();
					const key = `${timestamp.replace(/[-:.Z]/g, '')}000Z-t1`;
					return {
						file: `${layout === 'files' ? timestamp.replaceAll(':', '.') : key}.${ENDINGS[format] ?? format}`,
						sha256: sha256(picture.data),
						facts: {
							fragmentNumber: fragmentNumber(1),
							track: 1,
							timestamp,
							timestampByServer: new Date(startMs + 1000 + index * 40).toISOString(),
							producerTimestamp: new Date(startMs).toISOString(),
							serverTimestamp: new Date(startMs + 1000).toISOString(),
							keyframe: index === 0,
							width: wanted.width,
							height: wanted.height,
							format,
						},
					};
				});
			}
		}
		t.deepEqual(await readFolders(root), expected);
		for (const layout of layouts) {
			t.like(await verifyDataset(join(root, `0-${layout}`)), { layout, pictures: PICTURES, damage: [] });
		}
		await checkViews(t, format, pictures);
	});
}

withReaders('raw samples as an imagefolder are refused at once in every size and fit', async (t) => {
	const folder = join(await temporaryDirectory(t), 'never');
	// Nothing is requested of it.
	await using archive = new KvsArchive({ endpoint: 'http://127.0.0.1:1', streamName: 'door' });
	const raw = FORMATS.filter((format) => !IMAGES.includes(format));
	for (const format of raw) {
		for (const { size, fit } of WANTED) {
			await t.throwsAsync(
				archive.exportPictures(all, folder, { layout: 'imagefolder', format, size, fit }),
				{
					code: 'KVS_INVALID_OPTION',
					message: new RegExp(
						`\`format\` to be jpg, png, webp with the layout imagefolder, got \`${format}\``,
					),
				},
				JSON.stringify({ format, size, fit }),
			);
		}
	}
	await t.throwsAsync(stat(folder), { code: 'ENOENT' });
});
