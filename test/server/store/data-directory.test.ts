import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import {
	everything,
	type Json,
	type StartedServer,
	startServer,
} from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { writeRecordingOf } from '../made-media.js';
import { onDemand, readPlaylist, startPlayback, videoFragments } from '../playback/start-playback.js';

/** An archive of a few small fragments that was closed again: its directory, and where its files are. */
async function closedArchive(t: ExecutionContext, count = 3) {
	const directory = await temporaryDirectory(t);
	const data = join(directory, 'data');
	const recording = join(directory, 'recording.mkv');
	const numbers = await writeRecordingOf(recording, count);
	const { server, close } = await startServer(t, { dataDirectory: data });
	await server.archive.ingest('door', recording);
	await close();
	const stream = join(data, 'streams', 'door');
	const file = async (ending: string) =>
		join(stream, (await readdir(stream)).find((name) => name.endsWith(ending)) as string);
	return { data, stream, recording, numbers, index: await file('.jsonl'), payload: await file('.mkv') };
}

/** Changes one bit of a file. */
async function flip(path: string, offset: number): Promise<void> {
	const handle = await open(path, 'r+');
	const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset);
	await handle.write(Buffer.from([(buffer[0] as number) ^ 1]), 0, 1, offset);
	await handle.close();
}

async function mediaOf({ url }: StartedServer, numbers: readonly string[]): Promise<MediaEvent[]> {
	const body = JSON.stringify({ StreamName: 'door', Fragments: numbers });
	const response = await fetch(`${url}/getMediaForFragmentList`, { method: 'POST', body });
	const reader = new MkvReader();
	reader.end(Buffer.from(await response.arrayBuffer()));
	const events: MediaEvent[] = [];
	for await (const event of reader as AsyncIterable<MediaEvent>) events.push(event);
	return events;
}

test('a fragment whose bytes changed on the disk is an in-band exception, and the others are sent', async (t) => {
	const { data, numbers, payload } = await closedArchive(t);
	const { size } = await stat(payload);
	await flip(payload, Math.floor(size / 2));
	const warnings: string[] = [];
	const started = await startServer(t, {
		dataDirectory: data,
		onWarning: (message) => warnings.push(message),
	});
	const events = await mediaOf(started, numbers);
	t.deepEqual(
		events.flatMap((event) =>
			event.type === 'fragment-end' && event.complete ? [event.fragmentNumber] : [],
		),
		[numbers[0], numbers[2]],
	);
	const failures = events.flatMap((event) => (event.type === 'fragment-failure' ? [event] : []));
	t.is(failures.length, 1);
	t.like(failures[0], { fragmentNumber: numbers[1], code: 5000, name: 'INTERNAL_ERROR', retryable: true });
	t.is(warnings.length, 1);
	t.regex(
		warnings[0] as string,
		new RegExp(
			`${payload}\` is damaged: the bytes ${size / 3} to ${(2 * size) / 3} of fragment ${numbers[1]} have the checksum [0-9a-f]{8}, its index says [0-9a-f]{8}$`,
		),
	);
	await rm(payload);
	const gone = await mediaOf(started, numbers);
	t.deepEqual(
		gone.map((event) => event.type === 'fragment-failure' && event.code),
		[5000, 5000, 5000],
	);
	t.regex(warnings.at(-1) as string, /cannot be read: it does not exist \(ENOENT\)$/);
});

test('a segment of a damaged fragment fails with 500, and the damage is reported', async (t) => {
	const warnings: string[] = [];
	const {
		ingest,
		open: openSession,
		server,
	} = await startPlayback(t, {
		onWarning: (message) => warnings.push(message),
	});
	await ingest(videoFragments(2));
	const session = await openSession(onDemand());
	const [fragment] = server.archive.stream('door')?.fragments.latest('producer', 1e15, 1) ?? [];
	await flip(fragment?.payload ?? '', (fragment?.offset ?? 0) + (fragment?.sizeBytes ?? 0) - 1);
	const { playlist, url } = await readPlaylist(session);
	const statuses = await Promise.all(
		playlist.segments.map(async ({ uri }) => (await fetch(new URL(uri, url))).status),
	);
	t.deepEqual(statuses, [200, 500]);
	t.is(warnings.length, 1);
	t.regex(warnings[0] as string, /is damaged/);
});

test('an older archive without checksums opens and is served', async (t) => {
	const { data, numbers, index, payload } = await closedArchive(t);
	const lines = (await readFile(index, 'utf8'))
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line));
	t.true(lines.every(({ crc32 }) => Number.isInteger(crc32)));
	await writeFile(index, lines.map((line) => `${JSON.stringify({ ...line, crc32: undefined })}\n`).join(''));
	const started = await startServer(t, { dataDirectory: data, onWarning: () => {} });
	const events = await mediaOf(started, numbers);
	t.is(events.filter((event) => event.type === 'fragment-end' && event.complete).length, 3);
	await truncate(payload, 10);
	const cut = await mediaOf(started, numbers);
	t.true(cut.length === 3 && cut.every((event) => event.type === 'fragment-failure'));
});

test('a payload without an index is set aside, strays are left alone, and both are reported', async (t) => {
	const { data, stream, index, payload, numbers } = await closedArchive(t);
	const kept = await readFile(payload);
	await rm(index);
	await writeFile(join(stream, 'notes.txt'), 'mine');
	await mkdir(join(stream, 'folder'));
	await writeFile(join(data, 'streams', '.DS_Store'), '');
	const warnings: string[] = [];
	const first = await startServer(t, { dataDirectory: data, onWarning: (message) => warnings.push(message) });
	await first.server.archive.ready;
	const aside = payload.replace(`${join('streams', 'door')}`, join('set-aside', 'door'));
	t.deepEqual(warnings, [
		`the archive ignores \`${join(data, 'streams', '.DS_Store')}\`, which is not one of its own`,
		`the archive has no index of \`${aside}\`, which was set aside: ingest it again, or remove it`,
		`the archive ignores \`${join(stream, 'folder')}\`, which is not one of its own`,
		`the archive ignores \`${join(stream, 'notes.txt')}\`, which is not one of its own`,
	]);
	t.deepEqual(await readFile(aside), kept);
	t.deepEqual((await readdir(stream)).toSorted(), ['folder', 'notes.txt', 'stream.json']);
	await first.server.archive.ingest('door', aside);
	t.is((await mediaOf(first, numbers)).filter((event) => event.type === 'fragment-end').length, 3);
	await first.close();
	warnings.length = 0;
	const second = await startServer(t, {
		dataDirectory: data,
		onWarning: (message) => warnings.push(message),
	});
	await second.server.archive.ready;
	t.is(warnings.length, 3, 'what was set aside is not reported again');
	const { json } = await second.call('ListFragments', { StreamName: 'door', FragmentSelector: everything });
	t.deepEqual(json.Fragments.map(({ FragmentNumber }: Json) => FragmentNumber).toSorted(), numbers);
});

test('a stream directory under another name, and a directory in place of an index, are damage', async (t) => {
	const { data, stream, index } = await closedArchive(t);
	const failure = async (): Promise<Error | undefined> => {
		const { server, close } = await startServer(t, { dataDirectory: data, onWarning: () => {} });
		const error = await t.throwsAsync(server.archive.ready, { code: 'KVS_DATA_DAMAGED' });
		await close();
		return error;
	};
	const other = join(data, 'streams', 'other');
	await rename(stream, other);
	t.regex((await failure())?.message ?? '', /stream\.json` is damaged: it describes the stream `door`$/);
	await rename(other, stream);
	await rm(index);
	await mkdir(index);
	t.regex((await failure())?.message ?? '', /\.jsonl` is damaged: it is not a file$/);
});

/** A child process that opens archives, driven line by line: see `open-archive.ts`. */
class Opener {
	readonly child: ChildProcess;
	readonly #lines: AsyncIterator<string>;

	constructor(t: ExecutionContext) {
		const script = fileURLToPath(new URL('open-archive.js', import.meta.url));
		this.child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
		t.teardown(() => this.child.kill('SIGKILL'));
		this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
			Symbol.asyncIterator
		]();
	}

	async ask(line: string): Promise<string> {
		this.child.stdin?.write(`${line}\n`);
		return this.next();
	}

	async next(): Promise<string> {
		const { value, done } = await this.#lines.next();
		if (done === true) throw new Error('the process ended');
		return value;
	}
}

test('of servers that start on one data directory in the same instant, exactly one opens it', async (t) => {
	const directory = await temporaryDirectory(t);
	const openers = Array.from({ length: 4 }, () => new Opener(t));
	await Promise.all(openers.map((opener) => opener.next()));
	for (let round = 0; round < 40; round++) {
		const data = join(directory, `round-${round}`);
		const outcomes = await Promise.all(openers.map((opener) => opener.ask(`open ${data}`)));
		t.deepEqual(
			outcomes.toSorted(),
			['KVS_DATA_IN_USE', 'KVS_DATA_IN_USE', 'KVS_DATA_IN_USE', 'open'],
			`${round}`,
		);
		t.deepEqual((await readdir(data)).toSorted(), ['in-use-by', 'incoming', 'streams']);
		await Promise.all(openers.map((opener) => opener.ask('close')));
		t.deepEqual((await readdir(data)).toSorted(), ['incoming', 'streams']);
	}
});

test('a temporary data directory is removed when the terminal of its command closes', async (t) => {
	if (process.platform === 'win32') return;
	const directory = await temporaryDirectory(t);
	const env = { ...process.env, TMPDIR: directory };
	const child = spawn(process.execPath, [resolve('dist/cli/main.js'), 'serve', '--port', '0'], { env });
	t.teardown(() => child.kill('SIGKILL'));
	await once(child.stdout, 'data');
	t.is((await readdir(directory)).length, 1);
	child.kill('SIGHUP');
	const [code] = await once(child, 'close');
	t.is(code, 129);
	t.deepEqual(await readdir(directory), []);
});

for (const end of ['exit', 'throw', 'reject'] as const) {
	test(`a temporary data directory is removed when its process ends by ${end}`, async (t) => {
		const directory = await temporaryDirectory(t);
		const script = fileURLToPath(new URL('open-archive.js', import.meta.url));
		const env = { ...process.env, TMPDIR: directory, TEMP: directory, TMP: directory };
		const child = spawn(process.execPath, [script, end], { env, stdio: ['ignore', 'pipe', 'ignore'] });
		let said = '';
		child.stdout?.on('data', (text) => {
			said += text;
		});
		const [code] = await once(child, 'close');
		t.is(code, end === 'exit' ? 7 : 1);
		t.regex(said, /^open with kvs-archive-\w+\n$/);
		t.deepEqual(await readdir(directory), []);
	});
}
