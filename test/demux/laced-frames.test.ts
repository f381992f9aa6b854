import test from 'ava';
import { element, float, master, type Slices, unsigned } from '#lib/ebml/ebml-writer.js';
import { laceFrames } from '#lib/mkv/lacing.js';
import { fragmentDocument, trackEntry } from '../helpers/media/payload.js';
import { readEvents } from './read-events.js';

const XIPH = 2;

function audio(codecId: string, sampleRate: number, more: readonly Slices[] = []): Slices {
	const rate = float('SamplingFrequency', sampleRate);
	return trackEntry(1, 'audio', codecId, [
		master('Audio', [rate, unsigned('Channels', 1), unsigned('BitDepth', 16)]),
		...more,
	]);
}

const pcm = [320, 320, 160].map((sizeBytes, index) => Buffer.alloc(sizeBytes, index));

/** Times and durations of the frames of laced blocks, one every 50 ms. */
function timesOf(
	track: Slices,
	blocks: readonly { frames: readonly Uint8Array[]; durationTicks?: number }[],
): (number | null)[][] {
	const document = fragmentDocument({
		number: '1',
		producerMs: 0,
		tracks: [track],
		blocks: blocks.map(({ frames, durationTicks }, index) => ({
			trackNumber: 1,
			relativeTicks: index * 50,
			keyframe: true,
			flags: XIPH,
			data: laceFrames(frames),
			durationTicks,
		})),
	});
	const { events, error } = readEvents([document]);
	if (error !== null) throw error;
	return events.flatMap((event) => (event.type === 'frame' ? [[event.timestampMs, event.durationMs]] : []));
}

test('frames of a lace follow each other by the durations of their codec', (t) => {
	const aac = element('CodecPrivate', [Buffer.from('1588', 'hex')]);
	t.deepEqual(timesOf(audio('A_PCM/INT/LIT', 8000), [{ frames: pcm }, { frames: pcm }]), [
		[0, 20],
		[20, 20],
		[40, 10],
		[50, 20],
		[70, 20],
		[90, 10],
	]);
	t.deepEqual(timesOf(audio('A_AAC', 8000, [aac]), [{ frames: pcm }]), [
		[0, 128],
		[128, 128],
		[256, 128],
	]);
	const opus = ['78', '7b02', '70'].map((hex) => Buffer.from(hex, 'hex'));
	t.deepEqual(timesOf(audio('A_OPUS', 48000), [{ frames: opus }]), [
		[0, 20],
		[20, 40],
		[60, 10],
	]);
});

test('durations of the container take precedence over those of the codec in a lace', (t) => {
	const track = audio('A_PCM/INT/LIT', 8000, [unsigned('DefaultDuration', 15_000_000)]);
	t.deepEqual(timesOf(track, [{ frames: pcm }, { frames: pcm, durationTicks: 45 }]), [
		[0, 15],
		[15, 15],
		[30, 15],
		[50, 15],
		[65, 15],
		[80, 15],
	]);
	t.deepEqual(timesOf(audio('A_PCM/INT/LIT', 8000), [{ frames: pcm, durationTicks: 30 }]), [
		[0, 10],
		[10, 10],
		[20, 10],
	]);
});

test('frames of a lace without a known duration share its time', (t) => {
	t.deepEqual(timesOf(audio('A_TEST', 8000), [{ frames: pcm }]), [
		[0, null],
		[0, null],
		[0, null],
	]);
});

test('an invalid sample rate counts as missing, which means 8,000 Hz', (t) => {
	for (const sampleRate of [0, -8000, Number.NaN, Number.POSITIVE_INFINITY]) {
		t.deepEqual(
			timesOf(audio('A_PCM/INT/LIT', sampleRate), [{ frames: pcm.slice(0, 2) }]),
			[
				[0, 20],
				[20, 20],
			],
			String(sampleRate),
		);
	}
});

test('laced audio without a DefaultDuration has no gaps where its fragments meet', (t) => {
	const payload = [0, 1, 2].map((index) =>
		fragmentDocument({
			number: String(index + 1),
			producerMs: 1_000_000 + index * 1600,
			tracks: [audio('A_PCM/INT/LIT', 8000)],
			blocks: [0, 1].map((block) => ({
				trackNumber: 1,
				relativeTicks: block * 800,
				keyframe: true,
				flags: XIPH,
				data: laceFrames(Array.from({ length: 8 }, () => Buffer.alloc(1600))),
			})),
		}),
	);
	const { events } = readEvents(payload);
	t.deepEqual(
		events.filter(({ type }) => type === 'gap'),
		[],
	);
	t.is(events.filter(({ type }) => type === 'frame').length, 48);
});
