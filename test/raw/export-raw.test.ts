import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RawExportOptions, RawExportSummary } from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { fragmentDocument, fragmentNumber, recording, tags } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive, type TestArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

/** Enough for three responses: of 10, 40 and 10 fragments. */
const FRAGMENTS = 60;
const range = between(0, FRAGMENTS * 2000);
const documents = Array.from({ length: FRAGMENTS }, (_, index) =>
	recording(1, { startMs: startMs + index * 2000, firstNumber: index + 1 }),
);

function serve(t: ExecutionContext, faults: readonly FaultRule[] = []): Promise<TestArchive> {
	return startArchive(t, { door: Buffer.concat(documents) }, { faults });
}

/** A raw export through these faults: what became of it, and the fragments in its file, by their position. */
async function exported(
	t: ExecutionContext,
	faults: readonly FaultRule[],
): Promise<{ summary: RawExportSummary; bytes: Buffer }> {
	const { endpoint } = await serve(t, faults);
	const archive = openArchive(t, endpoint, { clock: new StandstillClock(startMs) });
	const file = join(await temporaryDirectory(t), 'raw.mkv');
	const summary = await archive.exportRaw(range, file);
	return { summary, bytes: await readFile(file) };
}

const passing: Readonly<Record<string, readonly FaultRule[]>> = {
	throttles: [{ fault: 'throttle', times: 3 }],
	'bodies that are cut': [
		{ fault: 'cut', atByte: 777, times: 2 },
		{ fault: 'cut', as: 'clean', atFraction: 'random', times: 2 },
		{ fault: 'cut', fragmentNumber: fragmentNumber(20), inside: 'Block', times: 2 },
		{ fault: 'cut', fragmentNumber: fragmentNumber(55), inside: 'EBML', times: 2 },
	],
	exceptions: [
		{ fault: 'exception', code: 3002, fragmentNumber: fragmentNumber(3), times: 2 },
		{ fault: 'exception', code: 5000, fragmentNumber: fragmentNumber(30), goesOn: true, times: 2 },
		{ fault: 'exception', code: 3000, fragmentNumber: fragmentNumber(60), spelling: 'documented', times: 2 },
	],
	'another order': [{ fault: 'shuffle' }],
	'fragments that come twice': [{ fault: 'duplicate', fragment: 4, again: 'last' }],
	'fragments that do not come at first': [{ fault: 'leave-out', fragment: 3, count: 4, times: 2 }],
};
for (const [name, faults] of Object.entries(passing)) {
	test(`${name}: every fragment is in the file, once and in order`, async (t) => {
		const { summary, bytes } = await exported(t, faults);
		t.like(summary, { isComplete: true, fragments: FRAGMENTS, delivered: FRAGMENTS, failures: [] });
		t.true(bytes.equals(Buffer.concat(documents)));
	});
}

const lasting: readonly (readonly [fault: FaultRule, index: number, code: number | null])[] = [
	[{ fault: 'exception', code: 4500, fragmentNumber: fragmentNumber(7), goesOn: true }, 7, 4500],
	[{ fault: 'exception', code: 3002, fragmentNumber: fragmentNumber(20), spelling: 'documented' }, 20, 3002],
	[{ fault: 'cut', fragmentNumber: fragmentNumber(33), inside: 'Block' }, 33, null],
	[{ fault: 'cut', fragmentNumber: fragmentNumber(60), inside: 'Block', as: 'clean', element: 2 }, 60, null],
	[{ fault: 'leave-out', fragmentNumber: fragmentNumber(50) }, 50, null],
];
for (const [fault, index, code] of lasting) {
	test(`fragment ${index}, which fails permanently, is left out of the file and named in the summary`, async (t) => {
		const { summary, bytes } = await exported(t, [fault]);
		t.like(summary, { isComplete: false, fragments: FRAGMENTS, delivered: FRAGMENTS - 1 });
		t.is(summary.failed + summary.missing, 1);
		t.deepEqual(
			summary.failures.map((failure) => [failure.fragmentNumber, failure.code]),
			[[fragmentNumber(index), code]],
		);
		t.true(bytes.equals(Buffer.concat(documents.toSpliced(index - 1, 1))));
		t.is(summary.fileBytes, bytes.byteLength);
	});
}

test('a range without a whole fragment leaves no file', async (t) => {
	const { endpoint } = await serve(t, [
		{ fault: 'exception', code: 4500, fragmentNumber: fragmentNumber(1) },
	]);
	const archive = openArchive(t, endpoint);
	const directory = await temporaryDirectory(t);
	for (const empty of [between(-5000, -1000), between(0, 1000)]) {
		await t.throwsAsync(archive.exportRaw(empty, join(directory, 'raw.mkv')), { code: 'KVS_EMPTY_RANGE' });
	}
	t.deepEqual(await readdir(directory), []);
});

test('`where` leaves out other fragments, and tags after the media are kept', async (t) => {
	const calls = ['one', 'two', 'one'].map((call, index) =>
		fragmentDocument({
			number: fragmentNumber(index + 1),
			producerMs: startMs + index * 1000,
			after: tags(['Call', call]),
		}),
	);
	const { endpoint } = await startArchive(t, { door: Buffer.concat(calls) });
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'raw.mkv');
	const summary = await archive.exportRaw(range, file, { where: { Call: 'one' } });
	t.like(summary, { isComplete: true, fragments: 3, delivered: 2, skipped: 1 });
	t.true((await readFile(file)).equals(Buffer.concat(calls.toSpliced(1, 1))));
	const nothing = archive.exportRaw(range, file, { where: { Call: 'three' } });
	await t.throwsAsync(nothing, { code: 'KVS_EMPTY_RANGE' });
});

test('`strict` ends the export at the first failure', async (t) => {
	const { endpoint } = await serve(t, [
		{ fault: 'exception', code: 4500, fragmentNumber: fragmentNumber(7) },
	]);
	const directory = await temporaryDirectory(t);
	await t.throwsAsync(
		openArchive(t, endpoint).exportRaw(range, join(directory, 'raw.mkv'), { strict: true }),
		{ code: 'KVS_FRAGMENT_FAILED' },
	);
	t.deepEqual(await readdir(directory), []);
});

test('an abort ends the export with its reason, and keeps an existing file', async (t) => {
	const { endpoint } = await serve(t, [
		{ fault: 'stall', fragmentNumber: fragmentNumber(30), inside: 'Cluster' },
	]);
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'raw.mkv');
	await writeFile(file, 'mine');
	const controller = new AbortController();
	const reason = new Error('enough');
	const clock = new StandstillClock(startMs);
	const running = openArchive(t, endpoint, { clock }).exportRaw(range, file, {
		signal: controller.signal,
		onProgress: () => {},
	});
	// What comes before the response that stands still is in the part file by and by.
	const part = join(directory, '.raw.mkv.part');
	const sizeBytes = async (): Promise<number> => (await stat(part).catch(() => ({ size: 0 }))).size;
	await until(
		async () => (await sizeBytes()) > 0,
		() => 'nothing was written',
	);
	t.is((await stat(part)).mode & 0o777, 0o600);
	controller.abort(reason);
	t.is(await t.throwsAsync(running), reason);
	t.deepEqual(await readdir(directory), ['raw.mkv']);
	t.is(await readFile(file, 'utf8'), 'mine');
	const aborted = openArchive(t, endpoint).exportRaw(range, file, { signal: controller.signal });
	t.is(await t.throwsAsync(aborted), reason);
});

test('an export replaces an existing file, and the temporary file of a killed process', async (t) => {
	const { endpoint } = await serve(t);
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'raw.mkv');
	await writeFile(file, 'old');
	await writeFile(join(directory, '.raw.mkv.part'), 'left by a process that was killed');
	await openArchive(t, endpoint).exportRaw(range, file);
	t.true((await readFile(file)).equals(Buffer.concat(documents)));
	t.deepEqual(await readdir(directory), ['raw.mkv']);
});

test('a path that cannot be written and invalid options are refused before any request', async (t) => {
	const { endpoint, requests } = await serve(t);
	const archive = openArchive(t, endpoint);
	const directory = await temporaryDirectory(t);
	await mkdir(join(directory, 'taken'));
	for (const [file, message] of [
		[join(directory, 'absent', 'raw.mkv'), /its directory does not exist/],
		[join(directory, 'taken'), /is a directory, not a file/],
	] as const) {
		await t.throwsAsync(archive.exportRaw(range, file), { code: 'KVS_SINK_FAILED', message });
	}
	for (const options of [{ split: 'gap' }, { padStart: true }, { order: 'arrival' }]) {
		await t.throwsAsync(archive.exportRaw(range, 'never.mkv', options as RawExportOptions), {
			code: 'KVS_INVALID_OPTION',
		});
	}
	await t.throwsAsync(archive.exportRaw(range, ''), { code: 'KVS_INVALID_OPTION' });
	t.deepEqual(requests, []);
	t.deepEqual(await readdir(directory), ['taken']);
});

test('a file that is being written is not written twice', async (t) => {
	const { endpoint } = await serve(t);
	const archive = openArchive(t, endpoint);
	const file = join(await temporaryDirectory(t), 'raw.mkv');
	const results = await Promise.allSettled([archive.exportRaw(range, file), archive.exportRaw(range, file)]);
	t.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
	const refused = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
	t.like(refused.reason, { code: 'KVS_SINK_FAILED' });
	t.regex(refused.reason.message, /process \d+ is writing it/);
});
