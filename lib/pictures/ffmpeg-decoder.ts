import { nalCodecOf, toAccessUnit, withBrokenLink } from '../codecs/nal/access-unit.js';
import { accessUnitDamage } from '../codecs/nal/access-unit-damage.js';
import type { NalCodec } from '../codecs/nal/nal-format.js';
import { elementHeader } from '../ebml/ebml-writer.js';
import { InvalidOptionError } from '../errors.js';
import { block, cluster, ebmlHeader, info, tracks } from '../mkv/matroska-writer.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { counted } from '../wording/counted.js';
import { DamageTracker, type TrackedFrame } from './damage-tracker.js';
import { decoderTrack, decoderTrackOfNalUnits } from './ffmpeg/decoder-track.js';
import { ffmpegArguments } from './ffmpeg/ffmpeg-arguments.js';
import { RefusalWatch } from './ffmpeg/refusal-watch.js';
import { FfmpegProcess } from './ffmpeg-process.js';
import type { DecodedPicture, DecoderRun, FrameDecoder } from './frame-decoder.js';
import { whyNotPicture } from './picture-bytes.js';
import type { DecoderOutput } from './picture-output.js';
import { timeOf } from './selected-frame.js';
import { TimestampAllocator } from './timestamp-allocator.js';

/** Options of {@link FfmpegDecoder}. */
export interface FfmpegDecoderOptions {
	/** The program, by its path or its name in the PATH: another build, or a script around one. @default 'ffmpeg' */
	readonly path?: string | undefined;
	/**
	 * Arguments for how the video is decoded, which come before the `-i` of it: `['-hwaccel', 'cuda']`. What ffmpeg reports of a frame
	 * can be attributed to it with one thread only, so leave `-threads` alone. @default none
	 */
	readonly args?: readonly string[] | undefined;
	/**
	 * Filters for the decoded frames, as after ffmpeg's `-vf`: `'hqdn3d,eq=gamma=1.2'`, or `'hwdownload,format=nv12'` where `args` leave
	 * frames on a device. They see frames as coded: turned, scaled and converted is what they give. They must give one frame for
	 * each, with its time. @default none
	 */
	readonly filter?: string | undefined;
	/** Frames with more pixels give no picture. @default no limit but ffmpeg's */
	readonly maxPixels?: number | undefined;
	/**
	 * How long ffmpeg may take to go on: to take what it is given, to give out a picture, or to end. One that takes longer (up to
	 * twice as long) is killed. @default 60000
	 */
	readonly timeoutMs?: number | undefined;
	/** @default the machine's */
	readonly clock?: Clock | undefined;
}

const OPTION_NAMES: OptionNames<FfmpegDecoderOptions> = {
	path: true,
	args: true,
	filter: true,
	maxPixels: true,
	timeoutMs: true,
	clock: true,
};

/** Pictures beyond this many for each frame, and some to begin with, are an output without an end. */
const MAX_PICTURES_PER_FRAME = 2;
const MAX_SPARE_PICTURES = 64;

/** The default of `timeoutMs`. */
const TIMEOUT_MS = 60_000;

/** A tick of what goes in and comes out is a microsecond, and called a millisecond: Matroska's own from ffmpeg is not finer. */
const TIMECODE_SCALE_NS = 1_000_000;

/**
 * Decodes with ffmpeg as a child process, one a run, with back-pressure on both pipes. Proven with ffmpeg 5.1. Throws
 * `KVS_FFMPEG_NOT_FOUND` where there is none, and `KVS_FFMPEG_FAILED` where it hangs or gives out what is not a picture.
 *
 * After frames that were left out or are missing, an open group of H.265 goes on in the same process, spliced; one of H.264
 * needs a new process (some 100 ms).
 *
 * Pictures are cropped as the stream says and turned as the track says; then scaled and converted, all in that process. Damage that
 * ffmpeg would conceal is reported, and such a picture not delivered, nor those after it in decoding order up to the next key frame: for that, ffmpeg decodes
 * with one thread and logs every NAL unit, which on 600 key frames of 1080p cost 2 % more of the processor's time than
 * ffmpeg alone. Damage that ffmpeg does not see is not reported: of H.265 and AV1 much, of VP8 and VP9 nearly all.
 */
export class FfmpegDecoder implements FrameDecoder {
	readonly choosesScenes = true;
	/** A process takes some 0.15 s of the processor's time to begin and to end, in which H.264 is decoded at 150 million pixels a second. */
	readonly runCostPixels = 40_000_000;
	readonly #path: string;
	readonly #timeoutMs: number;
	readonly #clock: Clock;
	readonly #args: readonly string[];
	readonly #filter: string;
	readonly #maxPixels: number | undefined;

	/** Throws `InvalidOptionError` for a `timeoutMs` that is not valid. */
	constructor(options: FfmpegDecoderOptions = {}) {
		checkOptionNames(options, OPTION_NAMES);
		const {
			path = 'ffmpeg',
			timeoutMs = TIMEOUT_MS,
			clock = systemClock,
			args = [],
			filter = '',
			maxPixels,
		} = options;
		if (!(timeoutMs > 0)) throw new InvalidOptionError('timeoutMs', 'more than 0', timeoutMs);
		this.#path = path;
		this.#timeoutMs = timeoutMs;
		this.#clock = clock;
		this.#args = args;
		this.#filter = filter;
		this.#maxPixels = maxPixels;
	}

	open({ track }: Frame, output: DecoderOutput, described: Track = track): DecoderRun {
		const codec = nalCodecOf(track);
		const tracker = new DamageTracker();
		const [path, args, filter] = [this.#path, this.#args, this.#filter];
		const refusal = new RefusalWatch({ path, format: output.format, args, filter });
		const process = new FfmpegProcess({
			path,
			args: ffmpegArguments(output, {
				args,
				maxPixels: this.#maxPixels,
				filters: { first: filter === '' ? [] : [filter], rotation: track.rotation },
			}),
			onLine: (line) => {
				refusal.line(line);
				tracker.line(line);
			},
			timeoutMs: this.#timeoutMs,
			clock: this.#clock,
		});
		process.write([
			...ebmlHeader(),
			elementHeader('Segment', 0, { isSizeUnknown: true }),
			...info(TIMECODE_SCALE_NS),
			...tracks([codec === null ? decoderTrack(track) : decoderTrackOfNalUnits(track)]),
		]);
		return new FfmpegRun(process, { tracker, refusal }, { track: described, codec, output });
	}
}

/** The time of a picture, as its frame was given. */
function ticksOf({ timecodeNs }: Frame): number {
	return Number(timecodeNs) / TIMECODE_SCALE_NS;
}

/** {@link FfmpegDecoder} as the `decoder` of `pictures` and `PictureDecoder`: `ffmpeg({ args: ['-hwaccel', 'cuda'] })`. */
export function ffmpeg(options: FfmpegDecoderOptions = {}): FrameDecoder {
	return new FfmpegDecoder(options);
}

/** One process and the frames it has not given a picture for yet. */
class FfmpegRun implements DecoderRun {
	readonly #process: FfmpegProcess;
	readonly #tracker: DamageTracker;
	readonly #refusal: RefusalWatch;
	readonly #clock = new TimestampAllocator();
	readonly #pending = new Map<number, TrackedFrame>();
	/** What the frames' track really is. */
	readonly #track: Track;
	readonly #codec: NalCodec | null;
	readonly #output: DecoderOutput;
	#frameCount = 0;
	#pictureCount = 0;
	#isCut = false;

	constructor(
		process: FfmpegProcess,
		{ tracker, refusal }: { tracker: DamageTracker; refusal: RefusalWatch },
		{ track, codec, output }: { track: Track; codec: NalCodec | null; output: DecoderOutput },
	) {
		this.#process = process;
		this.#tracker = tracker;
		this.#refusal = refusal;
		this.#track = track;
		this.#codec = codec;
		this.#output = output;
	}

	get isOpen(): boolean {
		return this.#process.isOpen;
	}

	/** H.264 has no such key frame that a decoder begins anew with, but for an IDR. */
	cut(): boolean {
		this.#isCut = this.#codec === 'hevc';
		return this.#isCut;
	}

	async *decode(frame: Frame, presentationMs = timeOf(frame)): AsyncGenerator<DecodedPicture[]> {
		const ticks = this.#clock.place(frame, presentationMs, (taken) => this.#pending.has(taken));
		const { number } = frame.track;
		const { keyframe } = frame;
		const unit = toAccessUnit({ track: this.#track, keyframe, data: frame.data }, 'annex-b');
		const data = this.#isCut ? withBrokenLink(unit) : unit;
		if (this.#isCut) this.#tracker.cut();
		this.#isCut = false;
		const tracked = this.#tracker.add(frame, ticks, accessUnitDamage(frame.track, frame.data));
		// A picture that would not be believed is not decoded.
		if (this.#tracker.isNeeded(tracked)) {
			this.#pending.set(ticks, tracked);
			this.#tracker.sent(tracked);
			this.#frameCount++;
			const fields = { trackNumber: number, relativeTicks: 0, keyframe, data };
			this.#process.write(cluster(BigInt(ticks), block(fields)));
		} else yield [{ frame, picture: null, problem: this.#tracker.problemOf(tracked) }];
		yield* this.#picturesUntil(() => !this.#process.isFull);
	}

	async *finish(): AsyncGenerator<DecodedPicture[]> {
		this.#process.end();
		yield* this.#picturesUntil(() => this.#process.isOver);
		this.#process.checkBegun();
		const rest = this.#withoutPicture(Number.POSITIVE_INFINITY);
		if (rest.length > 0) yield rest;
	}

	close(): Promise<void> {
		return this.#process.kill();
	}

	async *#picturesUntil(isDone: () => boolean): AsyncGenerator<DecodedPicture[]> {
		for await (const events of this.#process.until(isDone)) {
			const pictures: DecodedPicture[] = [];
			for (const event of events) {
				if (event.type !== 'frame') continue;
				this.#pictureCount++;
				if (this.#pictureCount > MAX_PICTURES_PER_FRAME * this.#frameCount + MAX_SPARE_PICTURES) {
					throw this.#process.failure(
						`returned ${counted(this.#pictureCount, 'picture')} for ${counted(this.#frameCount, 'frame')}`,
					);
				}
				// The two pipes are read side by side: the log lines of a picture may come after it.
				await this.#process.logged(() => this.#isLogged(event));
				pictures.push(...this.#leftOut(), ...this.#picture(event));
			}
			if (pictures.length > 0) yield pictures;
		}
		const leftOut = this.#leftOut();
		if (leftOut.length > 0) yield leftOut;
		this.#refusal.check();
	}

	/** Whether all was logged that was said of a picture, and of those before it. */
	#isLogged(event: Frame): boolean {
		if (this.#output.scene === undefined) return this.#tracker.shownCount >= this.#pictureCount;
		const tracked = this.#pending.get(ticksOf(event));
		return tracked === undefined || this.#tracker.isShown(tracked);
	}

	/** The frames whose pictures are left out. */
	#leftOut(): DecodedPicture[] {
		return this.#tracker.takeLeftOut().flatMap((ticks) => {
			const tracked = this.#pending.get(ticks);
			if (tracked === undefined) return [];
			this.#pending.delete(ticks);
			return [{ frame: tracked.frame, picture: null, problem: this.#tracker.problemOf(tracked) }];
		});
	}

	#picture(event: Frame): DecodedPicture[] {
		const ticks = ticksOf(event);
		const tracked = this.#pending.get(ticks);
		if (tracked === undefined) return [];
		// Pictures come in the order of their times: those before this one will not come any more.
		const lost = this.#withoutPicture(ticks);
		this.#pending.delete(ticks);
		const { frame } = tracked;
		const problem = this.#tracker.problemOf(tracked);
		if (problem !== null) return [...lost, { frame, picture: null, problem }];
		const { width = 0, height = 0 } = event.track;
		const picture = { width, height, data: event.data };
		const whyNot = whyNotPicture(picture, this.#output.format);
		if (whyNot !== null) throw this.#process.failure(`returned ${whyNot}`);
		return [...lost, { frame, picture, problem: null }];
	}

	/** The frames before a time that gave no picture. */
	#withoutPicture(beforeTicks: number): DecodedPicture[] {
		const ticks = [...this.#pending.keys()].filter((key) => key < beforeTicks).sort((a, b) => a - b);
		return ticks.map((key) => {
			const tracked = this.#pending.get(key) as TrackedFrame;
			this.#pending.delete(key);
			this.#tracker.forget(tracked);
			const { frame } = tracked;
			const absence = this.#tracker.whyNotShown(tracked);
			if (absence !== null) return { frame, picture: null, problem: absence };
			const said = this.#tracker.problemOf(tracked);
			const problem = said ?? (this.#process.lastWords || 'the decoder gave no picture');
			this.#tracker.miss(tracked, problem);
			return { frame, picture: null, problem };
		});
	}
}
