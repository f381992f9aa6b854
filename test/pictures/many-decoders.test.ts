// Longer than 300 lines: the model of a decoder that the properties are checked against is half of it.

/* Several runs of a decoder side by side: in which order their pictures come, what is held meanwhile, and how they end. */
import { pipeline, Readable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import {
	type DecodedPicture,
	type DecoderRun,
	type Frame,
	type FrameDecoder,
	type MediaEvent,
	MkvReader,
	type Picture,
	PictureDecoder,
	type PictureDecoderOptions,
} from 'kvs-archive';
import { master, type Slices, unsigned } from '#lib/ebml/ebml-writer.js';
import { fragmentDocument, fragmentNumber, frameBlock, trackEntry } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

const FRAME_MS = 40;

/** Groups of pictures of so many frames, each a fragment of its own; every codec but V_VP8 may have open groups. */
async function eventsOf(
	groupSizes: readonly number[],
	{
		codecIds = ['V_VP8'],
		sizeBytes = 10,
		size = [],
	}: { codecIds?: readonly string[]; sizeBytes?: number; size?: Slices } = {},
): Promise<MediaEvent[]> {
	const tracks = codecIds.map((codecId, index) => trackEntry(index + 1, 'video', codecId, [size]));
	let frameCount = 0;
	const documents = groupSizes.map((size, nth) => {
		const fromMs = frameCount * FRAME_MS;
		const blocks = Array.from({ length: size }, (_, at) =>
			tracks.map((_track, track) => ({
				...frameBlock(frameCount + at, { keyframe: at === 0, relativeTicks: at * FRAME_MS, sizeBytes }),
				trackNumber: track + 1,
			})),
		).flat();
		frameCount += size;
		const number = fragmentNumber(nth + 1);
		return fragmentDocument({
			number,
			producerMs: startMs + fromMs,
			timecode: BigInt(fromMs),
			tracks,
			blocks,
		});
	});
	const reader = Readable.from([Buffer.concat(documents)]).compose(new MkvReader());
	return (await reader.toArray()) as MediaEvent[];
}

/** What a decoder does, which changes nothing of what comes of it. */
interface Behaviour {
	/** Frames that it holds before it gives the first. */
	readonly delay: number;
	/** Turns of the event loop that it takes for a frame: the nth run the nth of these, over and over. */
	readonly turns: readonly number[];
	readonly pictureBytes: number;
	/** The frame that its run fails at, by its number. */
	readonly failsAt?: number;
	/** The frames that give no picture, by their numbers. */
	readonly withoutPicture?: ReadonlySet<number>;
}

const numberOf = ({ data }: Frame): number =>
	Number(/frame-(\d+)/.exec(Buffer.from(data).toString('latin1'))?.[1]);

/** A decoder in this process, that knows what it did. */
class SteadyDecoder implements FrameDecoder {
	readonly runs: SteadyRun[] = [];
	readonly behaviour: Behaviour;
	/** Runs that are open, at the most. */
	maxOpenCount = 0;
	/** Bytes of pictures that were given out and not received at the other end; now, and at the most. */
	heldBytes = 0;
	maxHeldBytes = 0;

	constructor(behaviour: Behaviour) {
		this.behaviour = behaviour;
	}

	get openCount(): number {
		return this.runs.filter(({ isClosed }) => !isClosed).length;
	}

	open(): DecoderRun {
		const run = new SteadyRun(
			this,
			this.behaviour.turns[this.runs.length % this.behaviour.turns.length] ?? 0,
		);
		this.runs.push(run);
		this.maxOpenCount = Math.max(this.maxOpenCount, this.openCount);
		return run;
	}
}

class SteadyRun implements DecoderRun {
	isClosed = false;
	readonly frames: number[] = [];
	readonly #decoder: SteadyDecoder;
	readonly #turns: number;
	#pending: Frame[] = [];

	constructor(decoder: SteadyDecoder, turns: number) {
		this.#decoder = decoder;
		this.#turns = turns;
	}

	get isOpen(): boolean {
		return !this.isClosed;
	}

	async *decode(frame: Frame): AsyncGenerator<DecodedPicture[]> {
		this.frames.push(numberOf(frame));
		this.#pending.push(frame);
		yield* this.#give(this.#decoder.behaviour.delay);
	}

	finish(): AsyncGenerator<DecodedPicture[]> {
		return this.#give(0);
	}

	async close(): Promise<void> {
		this.isClosed = true;
	}

	async *#give(keptCount: number): AsyncGenerator<DecodedPicture[]> {
		const { failsAt, withoutPicture, pictureBytes } = this.#decoder.behaviour;
		while (this.#pending.length > keptCount) {
			for (let turn = 0; turn < this.#turns; turn++) await new Promise((resolve) => setImmediate(resolve));
			if (this.isClosed) return;
			const frame = this.#pending.shift() as Frame;
			if (numberOf(frame) === failsAt) throw new Error(`frame ${failsAt} is too much`);
			if (withoutPicture?.has(numberOf(frame))) {
				yield [{ frame, picture: null, problem: `no picture of ${numberOf(frame)}` }];
				continue;
			}
			this.#decoder.heldBytes += pictureBytes;
			this.#decoder.maxHeldBytes = Math.max(this.#decoder.maxHeldBytes, this.#decoder.heldBytes);
			const data = new Uint8Array(pictureBytes);
			data.set(frame.data.subarray(0, pictureBytes));
			yield [{ frame, picture: { width: 1, height: 1, data }, problem: null }];
		}
	}
}

interface Outcome {
	/** By track: what came, in the order in which it came. */
	readonly pictures: Readonly<Record<number, readonly string[]>>;
	readonly failures: readonly string[];
	readonly error: unknown;
}

async function decode(
	events: readonly MediaEvent[],
	decoder: SteadyDecoder,
	options: PictureDecoderOptions,
	waitTurns = 0,
): Promise<Outcome> {
	const pictures: Record<number, string[]> = {};
	const failures: string[] = [];
	const onFailure: PictureDecoderOptions['onFailure'] = ({ frame, message }) =>
		failures.push(`${frame.timestampMs}: ${message}`);
	const stage = new PictureDecoder({ format: 'rgb24', decoder, onFailure, ...options });
	pipeline(Readable.from(events), stage, () => {});
	let error: unknown = null;
	try {
		for await (const picture of stage as AsyncIterable<Picture>) {
			decoder.heldBytes -= picture.data.byteLength;
			const { number } = picture.frame.track;
			pictures[number] ??= [];
			pictures[number].push(
				`${picture.timestampMs}: ${Buffer.from(picture.data.subarray(0, 10)).toString('latin1')}`,
			);
			for (let turn = 0; turn < waitTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
		}
	} catch (reason) {
		error = reason;
	}
	if (!stage.closed) await new Promise((resolve) => stage.once('close', resolve));
	return { pictures, failures, error };
}

const behaviours = fc.record({
	delay: fc.nat({ max: 20 }),
	turns: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 5 }),
	pictureBytes: fc.integer({ min: 10, max: 1000 }),
});

/** Pictures on their way out of the stage, and the one in the reader's hands; besides, what is taken at a time. */
const ON_THEIR_WAY = 4;
const TAKEN_SHARE = 1 / 8;

test('any number of decoders gives the same pictures and failures, in order, within its memory', async (t) => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
			fc.constantFrom(['V_VP8'], ['V_VP8', 'V_VP9'], ['V_MPEG2'], ['V_MPEG2', 'V_VP8']),
			behaviours,
			fc.record({
				decoders: fc.integer({ min: 2, max: 8 }),
				maxBufferedBytes: fc.constantFrom(1, 2000, 20_000, 1_000_000),
				select: fc.constantFrom('all' as const, 'keyframes' as const, { everyNth: 7 }),
			}),
			fc.nat({ max: 2 }),
			fc.array(fc.nat({ max: 60 }), { maxLength: 5 }),
			async (groupSizes, codecIds, behaviour, options, waitTurns, missing) => {
				const events = await eventsOf(groupSizes, { codecIds });
				const withoutPicture = new Set(missing);
				const alone = new SteadyDecoder({
					delay: 0,
					turns: [0],
					pictureBytes: behaviour.pictureBytes,
					withoutPicture,
				});
				const right = await decode(events, alone, { select: options.select, decoders: 1 });
				const many = new SteadyDecoder({ ...behaviour, withoutPicture });
				const outcome = await decode(events, many, options, waitTurns);
				t.deepEqual(outcome.pictures, right.pictures);
				t.deepEqual(outcome.failures.toSorted(), right.failures.toSorted());
				t.is(outcome.error, null);
				t.true(many.maxOpenCount <= Math.max(options.decoders, codecIds.length));
				t.is(many.openCount, 0);
				// Of the others, pictures are decoded that never leave.
				if (typeof options.select === 'object') return;
				const onTheirWay = codecIds.length * ON_THEIR_WAY * behaviour.pictureBytes;
				const most = options.maxBufferedBytes * (1 + TAKEN_SHARE) + onTheirWay;
				t.true(many.maxHeldBytes <= most, `${many.maxHeldBytes} bytes of pictures were held`);
			},
		),
		{
			numRuns: 40,
			examples: [
				// A lane that waited for room was free, and not dealt the sequence whose turn it was.
				[
					[3, 20, 17, 17, 1],
					['V_VP8', 'V_VP9'],
					{ delay: 0, turns: [1], pictureBytes: 211 },
					{ decoders: 3, maxBufferedBytes: 2000, select: 'all' },
					0,
					[0],
				],
				// More pictures were taken at a time than may be held.
				[
					[5, 13, 15],
					['V_VP8'],
					{ delay: 0, turns: [1, 0], pictureBytes: 834 },
					{ decoders: 2, maxBufferedBytes: 20_000, select: 'all' },
					2,
					[],
				],
			],
		},
	);
});

test('an error comes after all pictures before it, from whichever decoder, and ends the others', async (t) => {
	const events = await eventsOf(Array.from({ length: 12 }, () => 10));
	for (const failsAt of [0, 5, 10, 57, 119]) {
		for (const decoders of [1, 2, 5]) {
			const behaviour = { delay: 3, turns: [3, 0], pictureBytes: 10, failsAt };
			const decoder = new SteadyDecoder(behaviour);
			const { pictures, error } = await decode(events, decoder, { decoders });
			t.is((error as Error | null)?.message, `frame ${failsAt} is too much`);
			t.is((pictures[1] ?? []).length, failsAt, `${decoders} decoders`);
			t.is(decoder.openCount, 0);
		}
	}
});

test('groups are dealt to runs side by side, and each run is given several', async (t) => {
	const events = await eventsOf(Array.from({ length: 12 }, () => 10));
	const decoder = new SteadyDecoder({ delay: 2, turns: [1], pictureBytes: 10 });
	await decode(events, decoder, { decoders: 3 });
	t.is(decoder.runs.length, 3);
	t.is(decoder.maxOpenCount, 3);
	for (const { frames } of decoder.runs) t.true(frames.length >= 20, `${frames.length} frames`);
});

test('groups that may need the one before them all go to one run', async (t) => {
	const events = await eventsOf([10, 10, 10, 10], { codecIds: ['V_MPEG2'] });
	const decoder = new SteadyDecoder({ delay: 2, turns: [1], pictureBytes: 10 });
	await decode(events, decoder, { decoders: 3 });
	t.deepEqual(
		decoder.runs.map(({ frames }) => frames.length),
		[40],
	);
});

test('another run begins only when the work so far is worth its startup cost', async (t) => {
	const events = await eventsOf(Array.from({ length: 12 }, () => 10));
	const decoder = new SteadyDecoder({ delay: 2, turns: [1], pictureBytes: 10 });
	await decode(events, Object.assign(decoder, { runCostPixels: 1 }), { decoders: 3 });
	t.is(decoder.runs.length, 1, 'of frames without a size, nothing is known');
	const size = master('Video', [unsigned('PixelWidth', 32), unsigned('PixelHeight', 24)]);
	const sized = await eventsOf([10, 10, 10], { size });
	const eager = new SteadyDecoder({ delay: 2, turns: [5], pictureBytes: 10 });
	await decode(sized, Object.assign(eager, { runCostPixels: 10 * 32 * 24 }), { decoders: 3 });
	t.is(eager.runs[1]?.frames[0], 10, 'frames that wait for the run before count as well');
	t.is(eager.runs.length, 3);
	const frugal = new SteadyDecoder({ delay: 2, turns: [5], pictureBytes: 10 });
	await decode(sized, Object.assign(frugal, { runCostPixels: 31 * 32 * 24 }), { decoders: 3 });
	t.is(frugal.runs.length, 1, 'there are 30 frames only');
});

for (const options of [
	{ decoders: 0 },
	{ decoders: 1.5 },
	{ decoders: Number.NaN },
	{ maxBufferedBytes: 0 },
]) {
	test(`${JSON.stringify(options)} is not valid`, (t) => {
		t.throws(() => new PictureDecoder(options), {
			code: 'KVS_INVALID_OPTION',
			message: /decoders|maxBufferedBytes/,
		});
	});
}
