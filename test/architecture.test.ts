// Longer than 300 lines: the tables of who may import whom.

import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

/** Who may import whom, besides its own room and what everyone may import. The rest of lib/ is assembled at its top. */
const rooms: Readonly<Record<string, readonly string[]>> = {
	wording: ['errors.ts'],
	model: [],
	stream: [],
	files: [],
	loopback: [],
	gaps: [],
	pace: ['stream'],
	codecs: [],
	aws: ['pace', 'stream'],
	ebml: [],
	mkv: ['codecs', 'ebml'],
	mp4: ['codecs', 'files'],
	mpegts: ['codecs', 'mp4'],
	'media-files': ['codecs', 'ebml', 'files', 'mkv', 'mp4'],
	muxing: ['codecs', 'gaps', 'ebml', 'mkv', 'mp4'],
	list: ['aws', 'pace', 'stream'],
	fetch: ['aws', 'pace', 'stream'],
	demux: ['codecs', 'gaps', 'ebml', 'mkv', 'pace', 'stream'],
	live: ['aws', 'demux', 'pace', 'stream'],
	images: ['aws', 'pace', 'stream'],
	frames: ['gaps', 'stream'],
	pictures: ['codecs', 'demux', 'frames', 'gaps', 'ebml', 'mkv', 'pace', 'stream'],
	sinks: ['codecs', 'files', 'gaps', 'images', 'muxing', 'pictures', 'stream'],
	timeline: ['codecs', 'gaps', 'stream'],
	playback: ['aws', 'pace'],
	clip: ['aws', 'files', 'media-files', 'mp4', 'pace'],
	put: ['aws', 'pace', 'stream'],
	feed: ['aws', 'ebml', 'files', 'media-files', 'mkv', 'pace', 'put', 'stream'],
	metrics: ['aws', 'loopback', 'pace'],
	follow: ['aws', 'demux', 'fetch', 'files', 'frames', 'list', 'live', 'metrics', 'pace', 'run', 'stream'],
	run: ['aws', 'codecs', 'demux', 'fetch', 'frames', 'gaps', 'list', 'live', 'pace', 'pictures', 'stream'],
	export: [
		'codecs',
		'files',
		'frames',
		'gaps',
		'list',
		'ebml',
		'mkv',
		'mp4',
		'muxing',
		'pace',
		'run',
		'sinks',
		'stream',
	],
	dataset: ['export', 'files', 'frames', 'list', 'pace', 'pictures', 'run', 'sinks'],
	raw: ['files', 'run'],
	record: ['export', 'files', 'follow', 'muxing', 'pace', 'run', 'sinks'],
	server: [
		'codecs',
		'demux',
		'files',
		'gaps',
		'ebml',
		'loopback',
		'media-files',
		'metrics',
		'mkv',
		'mp4',
		'mpegts',
		'pictures',
		'stream',
	],
	s3: ['files'],
	redis: ['follow', 'pace', 'stream'],
	dynamodb: ['follow'],
	bullmq: [
		'aws',
		'files',
		'follow',
		'index.ts',
		'metrics',
		'muxing',
		'pace',
		'record',
		'redis/index.ts',
		's3/index.ts',
		'stream',
	],
	stored: ['aws', 'index.ts'],
	view: ['errors.ts', 'index.ts', 'loopback', 'stored'],
	doctor: ['aws', 'index.ts', 'muxing', 'pictures/ffmpeg', 'stored'],
	cli: [
		'bullmq/index.ts',
		'doctor/index.ts',
		'dynamodb/index.ts',
		'errors.ts',
		'index.ts',
		'model',
		'package-file.ts',
		'redis/index.ts',
		's3/index.ts',
		'server/index.ts',
		'view/index.ts',
		'wording',
	],
};
const forEveryone = ['errors.ts', 'package-file.ts', 'peer-missing.ts', 'model', 'wording'];
const edges = ['server', 'redis', 'dynamodb', 'bullmq', 'stored', 'view', 'doctor', 'cli'];

/**
 * The same inside lib/server, files at its top included. A line names only lines above it, so no two rooms import each
 * other.
 */
const serverRooms: Readonly<Record<string, readonly string[]>> = {
	'monotonic-clock.ts': [],
	wire: [],
	store: [],
	signature: ['wire'],
	quotas: ['monotonic-clock.ts', 'wire'],
	'put-media': ['monotonic-clock.ts', 'store', 'wire'],
	ingest: ['store', 'wire'],
	'local-archive-options.ts': ['store', 'wire'],
	'local-archive.ts': ['ingest', 'local-archive-options.ts', 'store', 'wire'],
	'expire-regularly.ts': ['local-archive.ts', 'monotonic-clock.ts'],
	faults: ['monotonic-clock.ts', 'store', 'wire'],
	live: ['faults', 'monotonic-clock.ts', 'store', 'wire'],
	http: ['faults', 'monotonic-clock.ts', 'quotas', 'signature', 'store', 'wire'],
	images: ['monotonic-clock.ts', 'store', 'wire'],
	'playback/packaging': ['store', 'wire'],
	'playback/sessions': ['playback/packaging', 'quotas', 'store', 'wire'],
	'playback/hls': ['playback/packaging', 'playback/sessions'],
	'playback/dash': ['playback/sessions'],
	'playback/resources': [
		'http',
		'playback/dash',
		'playback/hls',
		'playback/packaging',
		'playback/sessions',
		'store',
		'wire',
	],
	clip: ['playback/packaging', 'playback/sessions', 'store', 'wire'],
	operations: [
		'clip',
		'faults',
		'http',
		'images',
		'live',
		'local-archive.ts',
		'monotonic-clock.ts',
		'playback/sessions',
		'put-media',
		'quotas',
		'signature',
		'store',
		'wire',
	],
	'archive-server.ts': [
		'expire-regularly.ts',
		'faults',
		'http',
		'images',
		'local-archive-options.ts',
		'local-archive.ts',
		'monotonic-clock.ts',
		'operations',
		'playback/resources',
		'playback/sessions',
		'quotas',
		'signature',
		'store',
		'wire',
	],
	'server-metrics.ts': ['http', 'local-archive.ts', 'store'],
	'index.ts': [
		'archive-server.ts',
		'faults',
		'http',
		'ingest',
		'local-archive-options.ts',
		'local-archive.ts',
		'monotonic-clock.ts',
		'quotas',
		'server-metrics.ts',
		'signature',
		'store',
	],
};

/** Third-party names, and the only places that may know them. */
const homes: Readonly<Record<string, string | readonly string[]>> = {
	bottleneck: 'pace/bottleneck-light.d.ts',
	'bottleneck/light.js': 'pace/rate-limiter.ts',
	'p-queue': [
		'fetch/media-fetcher.ts',
		'server/images/image-maker.ts',
		'server/playback/packaging/fragment-packager.ts',
	],
	'@aws-sdk/client-kinesis-video': 'aws',
	'@aws-sdk/client-kinesis-video-archived-media': 'aws',
	'@aws-sdk/client-kinesis-video-media': 'aws',
	'@smithy/protocol-http': ['aws', 'server/signature'],
	'@smithy/signature-v4': ['aws', 'server/signature'],
	mediabunny: ['mp4', 'media-files'],
	'tar-stream': 'dataset/tar-shard.ts',
	bullmq: 'bullmq',
	ioredis: ['bullmq', 'redis'],
	'@aws-sdk/client-dynamodb': 'dynamodb',
	'@aws-sdk/client-s3': 's3',
	'cli-progress': 'cli',
	commander: 'cli',
	'node:http': ['put', 'server', 'metrics/serve-metrics.ts', 'view'],
	'node:https': ['put', 'server/http/server-limits.ts'],
	'node:child_process': [
		'pictures/ffmpeg-process.ts',
		'pictures/ffmpeg/ffmpeg-version.ts',
		'view/open-browser.ts',
	],
	'hls.js/light': 'view/page/player',
};

const MAX_FILES_IN_ROOM = 20;
const MAX_LINES = 300;
const MAX_MEDIAN_LINES = 70;
const REASON_FOR_LENGTH = /^\/\/ Longer than 300 lines: \S/;

const lib = resolve('lib');

async function filesOfLib(): Promise<string[]> {
	return (await readdir(lib, { recursive: true })).filter((name) => name.endsWith('.ts'));
}

interface Import {
	/** Path in lib. */
	readonly file: string;
	/** As it is written, `../errors.js`. */
	readonly target: string;
	/** The file in lib that is meant; null for a package. */
	readonly to: string | null;
	/** Whether only types are imported, so that nothing is left of it in JavaScript. */
	readonly isTypeOnly: boolean;
	/** Whether it is loaded only when that line is reached. */
	readonly isDynamic: boolean;
}

async function importsOfLib(): Promise<Import[]> {
	const imports = await Promise.all(
		(await filesOfLib()).map(async (file) => {
			const text = await readFile(join(lib, file), 'utf8');
			const matches = [
				...text.matchAll(/(?:^|\n)(?:import|export)[^;]*?from '([^']+)'|import\('([^']+)'\)/g),
			];
			return matches.map((match) => {
				const target = (match[1] ?? match[2]) as string;
				const isOurs = target.startsWith('.');
				const to = relative(lib, resolve(lib, dirname(file), target)).replace(/\.js$/, '.ts');
				const isTypeOnly = /^\s*(import|export) type\b/.test(match[0]);
				return { file, target, to: isOurs ? to : null, isTypeOnly, isDynamic: match[1] === undefined };
			});
		}),
	);
	return imports.flat();
}

test('every room imports only from the rooms before it', async (t) => {
	const wrong: string[] = [];
	for (const { file, to } of await importsOfLib()) {
		if (to === null) continue;
		const room = file.includes('/') ? (file.split('/')[0] as string) : null;
		const isAllowed = (name: string): boolean => to === name || to.startsWith(`${name}/`);
		const allowed =
			room === null
				? Object.keys(rooms).filter((name) => !edges.includes(name))
				: [room, ...(rooms[room] ?? [])];
		const isTop = room === null && !to.includes('/');
		if (!isTop && ![...allowed, ...(room === 'cli' ? [] : forEveryone)].some(isAllowed))
			wrong.push(`${file} imports ${to}`);
	}
	t.deepEqual(wrong, []);
});

test('every room of the server imports only from the rooms before it', async (t) => {
	const names = Object.keys(serverRooms);
	const roomOf = (file: string): string => {
		const path = file.slice('server/'.length);
		return names.find((name) => path === name || path.startsWith(`${name}/`)) ?? path;
	};
	const wrong: string[] = [];
	for (const { file, to } of await importsOfLib()) {
		if (!file.startsWith('server/') || !to?.startsWith('server/')) continue;
		const room = roomOf(file);
		if (room !== roomOf(to) && serverRooms[room]?.includes(roomOf(to)) !== true)
			wrong.push(`${file} imports ${to}`);
	}
	t.deepEqual(wrong, []);
	for (const [index, [room, allowed]] of Object.entries(serverRooms).entries()) {
		for (const name of allowed) t.true(names.slice(0, index).includes(name), `${room} names ${name}`);
	}
});

test('the page of the view and the process that serves it have nothing in common but requests, and the types of their responses', async (t) => {
	const isPage = (file: string): boolean => file.startsWith('view/page/');
	const crossing = (await importsOfLib()).filter(
		({ file, to, isTypeOnly }) =>
			to !== null && isPage(file) !== isPage(to) && !(isTypeOnly && to === 'view/view-responses.ts'),
	);
	t.deepEqual(
		crossing.map(({ file, to }) => `${file} imports ${to}`),
		[],
	);
});

test('every third-party package has one home', async (t) => {
	const wrong: string[] = [];
	for (const { file, target } of await importsOfLib()) {
		const isBuiltin = target.startsWith('node:') && homes[target] === undefined;
		if (target.startsWith('.') || isBuiltin) continue;
		const isHome = [homes[target] ?? []].flat().some((home) => file === home || file.startsWith(`${home}/`));
		if (!isHome) wrong.push(`${file} imports ${target}`);
	}
	t.deepEqual(wrong, []);
});

test('optional packages are loaded only when they are used', async (t) => {
	const { peerDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
	const peers = (await importsOfLib()).filter(({ target }) => target in peerDependencies);
	t.deepEqual(
		[...new Set(peers.map(({ target }) => target))].toSorted(),
		Object.keys(peerDependencies).toSorted(),
	);
	const atStart = peers.filter(({ isTypeOnly, isDynamic }) => !isTypeOnly && !isDynamic);
	t.deepEqual(
		atStart.map(({ file, target }) => `${file} imports ${target}`),
		[],
	);
});

test('the help of the command is printed without loading the package', async (t) => {
	const atStart = (await importsOfLib()).filter(({ isTypeOnly, isDynamic }) => !isTypeOnly && !isDynamic);
	const loaded = new Set(['cli/main.ts']);
	for (const file of loaded)
		for (const { to } of atStart.filter((one) => one.file === file)) if (to !== null) loaded.add(to);
	t.true(loaded.has('cli/program.ts'));
	t.false(loaded.has('index.ts'));
	t.false(loaded.has('kvs-archive.ts'));
});

test('streams are joined by pipeline() only', async (t) => {
	for (const file of await filesOfLib())
		t.notRegex(await readFile(join(lib, file), 'utf8'), /\.pipe\(/, file);
});

test('no two files import each other, directly or through others, not even for types', async (t) => {
	const importsOf = new Map<string, string[]>();
	for (const { file, to } of await importsOfLib()) {
		if (to !== null) importsOf.set(file, [...(importsOf.get(file) ?? []), to]);
	}
	const circles: string[] = [];
	const visited = new Set<string>();
	const visit = (file: string, path: readonly string[]): void => {
		if (path.includes(file)) {
			circles.push([...path.slice(path.indexOf(file)), file].join(' imports '));
			return;
		}
		if (visited.has(file)) return;
		visited.add(file);
		for (const to of importsOf.get(file) ?? []) visit(to, [...path, file]);
	};
	for (const file of importsOf.keys()) visit(file, []);
	t.deepEqual(circles, []);
});

/** How many of the files are in each folder that has some. */
function countsByFolder(files: readonly string[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const folder of files.map(dirname)) counts.set(folder, (counts.get(folder) ?? 0) + 1);
	return counts;
}

function isTooLong(text: string): boolean {
	return text.split('\n').length - 1 > MAX_LINES && !REASON_FOR_LENGTH.test(text);
}

test('rooms and files of lib keep to their size limits', async (t) => {
	const wrong = new Map<string, string>();
	const files = await filesOfLib();
	const sizes: number[] = [];
	for (const file of files) {
		const text = await readFile(join(lib, file), 'utf8');
		sizes.push(text.split('\n').length - 1);
		if (isTooLong(text)) wrong.set(file, `${sizes.at(-1)} lines`);
	}
	for (const [room, count] of countsByFolder(files)) {
		if (count === 1) wrong.set(room, 'a single file');
		if (count > MAX_FILES_IN_ROOM) wrong.set(room, `${count} files`);
	}
	t.deepEqual([...wrong], []);
	const median = sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0;
	t.true(median < MAX_MEDIAN_LINES, `half of the files have ${median} lines and more`);
});

test('rooms and files of tests and examples keep to the same limits, except that a room may have one file', async (t) => {
	const entries = await Promise.all(
		['test', 'examples'].map((root) => readdir(root, { recursive: true, withFileTypes: true })),
	);
	const files = entries
		.flat()
		.filter((entry) => entry.isFile())
		.map(({ parentPath, name }) => join(parentPath, name));
	t.deepEqual(
		[...countsByFolder(files)].filter(([, count]) => count > MAX_FILES_IN_ROOM),
		[],
	);
	const programs = files.filter((file) => /\.[cm]?[jt]s$/.test(file));
	const texts = await Promise.all(programs.map((file) => readFile(file, 'utf8')));
	t.deepEqual(
		programs.filter((_, index) => isTooLong(texts[index] as string)),
		[],
	);
});
