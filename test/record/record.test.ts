// Longer than 300 lines: one verb: what a recorder writes, and what the next one makes of it.

import {
	existsSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { FileCheckpoints, KvsArchive, type Recording, verifyRecordings } from 'kvs-archive';
import { listRecording } from '#lib/record/recording-list.js';
import { allTimesIn, recordingsIn, startRecorded, timesIn } from '../helpers/files/record-run.js';
import { until } from '../helpers/wait.js';

/** Times of the frames that a test puts for some seconds. */
const framesOf = (...seconds: number[]): number[] =>
	seconds.flatMap((second) => [second * 1000, second * 1000 + 40]);

test('finished files, named by their start, hold each frame once, and the list says what is in them', async (t) => {
	const { put, record, directory, untilNow } = await startRecorded(t);
	const numbers = await put(1, 2, 3, 4, 5, 6, 7);
	const seen: string[] = [];
	const summary = await record({
		split: { everyMs: 3000 },
		until: await untilNow(),
		onRecording: ({ file }) => {
			seen.push(file);
		},
	});
	t.like(summary, { isComplete: true, delivered: 7, recordings: 3 });
	const recordings = await recordingsIn(directory);
	t.deepEqual(
		recordings.map(({ file }) => file),
		[
			'cam-1970-01-01T00-00-01.000Z.mkv',
			'cam-1970-01-01T00-00-04.000Z.mkv',
			'cam-1970-01-01T00-00-07.000Z.mkv',
		],
	);
	t.deepEqual(
		seen,
		recordings.map(({ file }) => file),
	);
	t.deepEqual((await readdir(directory)).sort(), ['.recorder.journal', ...seen, 'recordings.jsonl']);
	t.deepEqual(await timesIn(directory, recordings[0] as never), framesOf(1, 2, 3));
	t.deepEqual(await timesIn(directory, recordings[1] as never), framesOf(4, 5, 6));
	t.deepEqual(await timesIn(directory, recordings[2] as never), framesOf(7));
	t.deepEqual(
		recordings.flatMap(({ fragments }) => fragments),
		numbers,
	);
	t.like(recordings[1], {
		start: '1970-01-01T00:00:04.000Z',
		end: '1970-01-01T00:00:06.080Z',
		frames: 6,
		cut: { reason: 'duration', fragmentNumber: numbers[3] },
		failures: [],
		notices: [],
	});
	t.like(await verifyRecordings(directory), { recordings: 3, fragments: 7, frames: 14, damage: [] });
});

test('the next run resumes after the last recorded fragment; `from` applies to the first run only', async (t) => {
	const { put, recordAll, directory } = await startRecorded(t);
	await put(1, 2);
	await recordAll();
	await put(3);
	await recordAll({ from: 'now' });
	t.deepEqual(await allTimesIn(directory), [framesOf(1, 2), framesOf(999_999), framesOf(3)]);
});

test('the next run continues the open file of a killed recorder, or finishes it if the stream no longer exists', async (t) => {
	const { put, record, recordAll, killedAfter, server, stream } = await startRecorded(t);
	await put(1, 2, 3);
	const killed = await killedAfter(3);
	const again = await killedAfter(3);
	await put(4);
	await recordAll({}, killed);
	t.deepEqual(await allTimesIn(killed), [framesOf(1, 2, 3, 4)]);
	t.like(await verifyRecordings(killed), { fragments: 4, damage: [] });

	await server.archive.deleteStream(stream);
	await t.throwsAsync(record({}, again), { code: 'KVS_NOT_FOUND' });
	t.deepEqual(await allTimesIn(again), [framesOf(1, 2, 3)]);
});

test('fragments damaged in the open file are requested again, with a notice', async (t) => {
	const { put, recordAll, killedAfter } = await startRecorded(t);
	const numbers = await put(1, 2, 3);
	const damages: readonly ((part: string) => void)[] = [
		(part) => truncateSync(part, statSync(part).size - 5),
		(part) => rmSync(part),
	];
	for (const [index, damage] of damages.entries()) {
		const killed = await killedAfter(3);
		const [part = ''] = readdirSync(killed).filter((name) => name.endsWith('.mkv.part'));
		damage(join(killed, part));
		await recordAll({}, killed);
		const [recording] = await recordingsIn(killed);
		t.deepEqual(recording?.fragments.slice(0, 3), numbers);
		t.deepEqual((await timesIn(killed, recording as never)).slice(0, 6), framesOf(1, 2, 3));
		const lost = index === 0 ? [numbers[2]] : numbers;
		const said = index === 0 ? '1 fragment had changed, so it was' : '3 fragments had changed, so these were';
		const message = `the bytes written of ${said} requested again: ${lost.join(', ')}`;
		t.deepEqual(recording?.notices, [{ fragmentNumber: lost[0], message }] as never);
		t.deepEqual((await verifyRecordings(killed)).damage, []);
	}
});

test('a fragment that comes late, or twice, is in a file of its own, whose times are right', async (t) => {
	const { put, recordAll, directory } = await startRecorded(t);
	await put(10, 11);
	await put(5, 6);
	await put(12, 13);
	await put(13);
	await recordAll();
	const recordings = await recordingsIn(directory);
	t.deepEqual(await allTimesIn(directory), [
		framesOf(10, 11),
		framesOf(5),
		framesOf(6),
		framesOf(12, 13),
		framesOf(13),
	]);
	t.deepEqual(
		recordings.map(({ file, cut }) => [file.slice('cam-1970-01-01T00-'.length), cut?.reason]),
		[
			['00-10.000Z.mkv', undefined],
			['00-05.000Z.mkv', 'late'],
			['00-06.000Z.mkv', 'gap'],
			['00-12.000Z.mkv', 'gap'],
			['00-13.000Z.mkv', 'late'],
		],
	);
	await put(13);
	await recordAll();
	t.is((await recordingsIn(directory)).at(-1)?.file, 'cam-1970-01-01T00-00-13.000Z-2.mkv');
	t.deepEqual((await verifyRecordings(directory)).damage, []);
});

test('a directory refuses a second recorder, and a recorder of another stream', async (t) => {
	const { put, record, recordAll, directory, endpoint } = await startRecorded(t);
	await put(1);
	const controller = new AbortController();
	const first = record({ signal: controller.signal });
	const mark = join(directory, '.recorder.in-use-by');
	await until(
		() => existsSync(mark),
		() => 'the directory is not marked',
	);
	await t.throwsAsync(record(), { code: 'KVS_SINK_FAILED', message: /process \d+ is recording into it/ });
	const reason = new Error('enough');
	controller.abort(reason);
	await t.throwsAsync(first, { is: reason });
	await recordAll();
	const other = new KvsArchive({ streamName: 'door', endpoint });
	t.teardown(() => other.close());
	await t.throwsAsync(other.record(directory), {
		code: 'KVS_SINK_FAILED',
		message: /holds recordings of the stream `cam`: choose another directory for `door`/,
	});
	t.deepEqual((await verifyRecordings(directory)).damage, []);
});

test('recording a stream that does not exist leaves the directory free for another stream', async (t) => {
	const { put, recordAll, directory, endpoint } = await startRecorded(t);
	await put(1);
	const misspelled = new KvsArchive({ streamName: 'cma', endpoint });
	t.teardown(() => misspelled.close());
	await t.throwsAsync(misspelled.record(directory), { code: 'KVS_NOT_FOUND' });
	await recordAll();
	t.deepEqual(await allTimesIn(directory), [framesOf(1)]);
});

test('a last line of the list that is cut anywhere is completed when it is written again', async (t) => {
	const { put, recordAll, directory } = await startRecorded(t);
	await put(1, 2, 3);
	await recordAll({ split: { everyMs: 900 } });
	const list = join(directory, 'recordings.jsonl');
	const whole = readFileSync(list);
	const lastStart = whole.lastIndexOf('\n', whole.length - 2) + 1;
	const [, , third] = (await recordingsIn(directory)) as [Recording, Recording, Recording];
	for (const length of [
		lastStart,
		lastStart + 1,
		lastStart + 90,
		whole.length - 2,
		whole.length - 1,
		whole.length,
	]) {
		truncateSync(list, length);
		await listRecording(directory, third);
		t.deepEqual(readFileSync(list), whole, `${length}`);
	}
	truncateSync(list, 0);
	await listRecording(directory, third);
	t.deepEqual(await recordingsIn(directory), [third]);
});

test('another container counts from the next file on', async (t) => {
	const { put, recordAll, killedAfter } = await startRecorded(t);
	await put(1, 2);
	const killed = await killedAfter(2);
	await put(3);
	await t.throwsAsync(recordAll({ container: 'webm' }, killed), { code: 'KVS_CODEC_NOT_SUPPORTED' });
	t.deepEqual(await allTimesIn(killed), [framesOf(1, 2)]);
	await recordAll({ container: 'mkv' }, killed);
	t.deepEqual((await allTimesIn(killed))[1], framesOf(3));
});

test('a fragment that fails is listed with the file it would be in', async (t) => {
	const { put, recordAll, directory } = await startRecorded(t, [
		{ fault: 'exception', code: 4501, fragment: 2, times: 1 },
	]);
	const [first, second, third] = await put(1, 2, 3);
	t.like(await recordAll(), { isComplete: false, delivered: 2, failed: 1 });
	const [recording] = await recordingsIn(directory);
	t.deepEqual(await allTimesIn(directory), [framesOf(1, 3)]);
	t.deepEqual(recording?.fragments, [first, third] as never);
	t.like(recording?.failures[0], { fragmentNumber: second, code: 4501 });
	t.like(await verifyRecordings(directory), { fragments: 2, failures: 1, damage: [] });
});

test('a run resumes from the directory or a separate checkpoint, whichever is further ahead', async (t) => {
	const { put, recordAll, directory } = await startRecorded(t);
	const file = join(directory, '..', 'checkpoint.json');
	const checkpoint = (): FileCheckpoints => new FileCheckpoints(file);
	await put(1, 2);
	await recordAll({ checkpoint: checkpoint() });
	const old = readFileSync(file);
	await put(3);
	await recordAll({ checkpoint: checkpoint() });
	const newest = readFileSync(file);
	const recorded = [framesOf(1, 2), framesOf(999_999), framesOf(3)];
	t.deepEqual(await allTimesIn(directory), recorded);

	for (const older of [old, null]) {
		if (older === null) rmSync(file);
		else writeFileSync(file, older);
		await recordAll({ checkpoint: checkpoint() });
		recorded.push(framesOf(999_999));
		t.deepEqual(await allTimesIn(directory), recorded);
	}
	writeFileSync(file, newest);
	const elsewhere = join(directory, '..', 'elsewhere');
	await recordAll({ checkpoint: checkpoint() }, elsewhere);
	t.deepEqual((await allTimesIn(elsewhere)).flat(), framesOf(999_999, 999_999, 999_999));
});

test('what `where` leaves out is no gap, and is not read again', async (t) => {
	const { putCalls, recordAll, directory, requests } = await startRecorded(t);
	const second = (at: number, call: string): readonly [number, string] => [at, call];
	await putCalls(second(1, 'a'), second(1.08, 'b'), second(1.16, 'a'));
	const where = { Call: 'a' };
	t.like(await recordAll({ where, split: 'gap' }), { delivered: 2, skipped: 1, recordings: 1 });
	t.deepEqual(await allTimesIn(directory), [[1000, 1040, 1160, 1200]]);
	const asked = (): number => requests.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0);
	const before = asked();
	await putCalls(second(1.24, 'b'));
	await recordAll({ where, split: 'gap' });
	// The new one, and what ended the run before.
	t.is(asked() - before, 2);
});

test('an open file is finished when no fragment arrives for the longest duration of a file', async (t) => {
	const { put, record, directory, clock } = await startRecorded(t);
	await put(1, 2);
	const controller = new AbortController();
	const files: string[] = [];
	const recording = record({
		split: { everyMs: 40_000 },
		signal: controller.signal,
		onRecording: ({ file }) => {
			files.push(file);
		},
	});
	const isDone = (count: number): Promise<void> =>
		until(
			() => clock.isSleptOn(40_000) && files.length === count,
			() => `${files.length} files`,
		);
	await isDone(0);
	clock.advance(40_000);
	await until(
		() => files.length === 1,
		() => 'no file is finished',
	);
	await put(3);
	await isDone(1);
	const reason = new Error('enough');
	controller.abort(reason);
	await t.throwsAsync(recording, { is: reason });
	t.deepEqual(await allTimesIn(directory), [framesOf(1, 2), framesOf(3)]);
});

test('the open file of a killed recorder is finished too when no fragment arrives', async (t) => {
	const { put, record, killedAfter, clock } = await startRecorded(t);
	await put(1, 2);
	const killed = await killedAfter(2);
	const reason = new Error('enough');
	const controller = new AbortController();
	const onRecording = (): void => controller.abort(reason);
	const recording = record({ signal: controller.signal, onRecording }, killed);
	await until(
		() => clock.isSleptOn(60_000),
		() => 'it does not wait',
	);
	clock.advance(60_000);
	await t.throwsAsync(recording, { is: reason });
	t.deepEqual(await allTimesIn(killed), [framesOf(1, 2)]);
});

test('a directory without its journal is resumed after the recordings in its list', async (t) => {
	const { put, recordAll, directory } = await startRecorded(t);
	await put(1, 2, 3);
	await recordAll({ split: { everyMs: 900 } });
	rmSync(join(directory, '.recorder.journal'));
	await put(4);
	await recordAll();
	t.deepEqual((await allTimesIn(directory)).flat(), framesOf(1, 2, 3, 999_999, 4));
	t.deepEqual((await verifyRecordings(directory)).damage, []);
});
