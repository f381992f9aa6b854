import { basename, join } from 'node:path';
import test from 'ava';
import { type CallSecond, connectRecording, secondsOfWav } from '../helpers/media/connect-calls.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(-10_000, 800_000);

const second = (call: string | null, at: number, level: number, isAgentFirst = false): CallSecond => ({
	call,
	at,
	level,
	isAgentFirst,
});

test('one call is one WAV, the customer left, whatever the order of its tracks, from its begin to its end', async (t) => {
	const { endpoint } = await startArchive(t, {
		door: connectRecording([
			second('before', 0, 1),
			second('mine', 30, 2, true),
			second('mine', 31, 3, true),
			// Held: nothing is recorded for two seconds, and then the tracks have their numbers the other way round.
			second('mine', 34, 4),
			second('after', 60, 5),
		]),
	});
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'call.wav');
	const summary = await openArchive(t, endpoint).export(range, file, { where: { ContactId: 'mine' } });
	t.like(summary, { delivered: 3, skipped: 2, isComplete: true });
	t.deepEqual(await secondsOfWav(file, 2), [
		[2, 3, 0, 0, 4],
		[102, 103, 0, 0, 104],
	]);
	const sides = join(directory, 'sides.wav');
	await openArchive(t, endpoint).export(range, sides, { where: { ContactId: 'mine' }, channels: 'split' });
	t.deepEqual(await secondsOfWav(join(directory, 'sides-AUDIO_FROM_CUSTOMER.wav'), 1), [[2, 3, 0, 0, 4]]);
	t.deepEqual(await secondsOfWav(join(directory, 'sides-AUDIO_TO_CUSTOMER.wav'), 1), [[102, 103, 0, 0, 104]]);
});

test('concurrent calls keep their own times, with silence where they have no audio', async (t) => {
	const { endpoint } = await startArchive(t, {
		door: connectRecording([
			second('mine', 0, 1),
			second('other', 1, 2, true),
			second('mine', 2, 3),
			second('other', 3, 4),
		]),
	});
	const file = join(await temporaryDirectory(t), 'call.wav');
	const summary = await openArchive(t, endpoint).export(range, file, { where: { ContactId: 'mine' } });
	t.deepEqual(await secondsOfWav(file, 2), [
		[1, 0, 3],
		[101, 0, 103],
	]);
	t.is(summary.gaps, 0);
});

test('calls one after the other are a file each', async (t) => {
	const { endpoint } = await startArchive(t, {
		door: connectRecording([
			second('one', 0, 1),
			second('one', 1, 2),
			second('two', 100, 3, true),
			second(null, 101, 4, true),
		]),
	});
	const file = join(await temporaryDirectory(t), 'calls.wav');
	const { files } = await openArchive(t, endpoint).export(range, file, { split: { tag: 'ContactId' } });
	t.deepEqual(
		files.map((part) => [basename(part.file), part.tag?.value]),
		[
			['calls-001.wav', 'one'],
			['calls-002.wav', 'two'],
			['calls-003.wav', null],
		],
	);
	const contents = await Promise.all(files.map((part) => secondsOfWav(part.file, 2)));
	t.deepEqual(contents, [
		[
			[1, 2],
			[101, 102],
		],
		[[3], [103]],
		[[4], [104]],
	]);
});
