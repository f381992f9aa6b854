import { registeredCodecId } from '../mkv/codec.js';
import { elementHeader, master, string, unsigned } from '../mkv/ebml-writer.js';
import { block, cluster, ebmlHeader, info, tracks } from '../mkv/matroska-writer.js';
import type { Frame, MediaEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { hasNalUnits, mayBeReferredTo, toAccessUnit } from './access-unit.js';
import { FfmpegProcess } from './ffmpeg-process.js';
import type { DecodedPicture, DecoderRun, FrameDecoder } from './frame-decoder.js';
import type { PictureFormat } from './picture.js';
import { RunClock } from './run-clock.js';

/** Options of {@link FfmpegDecoder}. */
export interface FfmpegDecoderOptions {
	/** The program, by its path or its name in the PATH. @default 'ffmpeg' */
	readonly path?: string | undefined;
	/** Threads it decodes with. @default ffmpeg's own choice */
	readonly threads?: number | undefined;
}

/** A tick of what goes in and comes out is a microsecond, and called a millisecond: Matroska's own from ffmpeg is no finer. */
const TIMECODE_SCALE_NS = 1_000_000;

const ENCODERS: Readonly<Record<PictureFormat, readonly string[]>> = {
	jpg: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '2'],
	png: ['-c:v', 'png', '-pix_fmt', 'rgb24'],
	rgb24: ['-c:v', 'rawvideo', '-pix_fmt', 'rgb24', '-allow_raw_vfw', '1'],
	nv12: ['-c:v', 'rawvideo', '-pix_fmt', 'nv12'],
};

/**
 * Decodes with ffmpeg as a child process: 4.4 or newer. One process a run, with back-pressure on both pipes.
 *
 * Pictures are as coded: not rotated, not scaled, cropped as the stream says. Where a frame gives no picture,
 * those behind it that may refer to it are skipped too, up to the next key frame. Damage that ffmpeg conceals is not told. Throws `KVS_FFMPEG_NOT_FOUND` where there is no ffmpeg.
 */
export class FfmpegDecoder implements FrameDecoder {
	readonly #options: FfmpegDecoderOptions;

	constructor(options: FfmpegDecoderOptions = {}) {
		this.#options = options;
	}

	open({ track }: Frame, format: PictureFormat): DecoderRun {
		const { path = 'ffmpeg', threads } = this.#options;
		const process = new FfmpegProcess(path, argumentsFor(format, threads));
		process.write([
			...ebmlHeader(),
			elementHeader('Segment', 0, { isSizeUnknown: true }),
			...info(TIMECODE_SCALE_NS),
			...tracks([hasNalUnits(track) ? plainEntry(track) : track.entry]),
		]);
		return new FfmpegRun(process);
	}
}

/** One process and the frames it has not given a picture for yet. */
class FfmpegRun implements DecoderRun {
	readonly #process: FfmpegProcess;
	readonly #clock = new RunClock();
	readonly #pending = new Map<number, Frame>();
	/** The frame whose loss spoils those behind it, up to the next key frame. */
	#isSpoilt = false;

	constructor(process: FfmpegProcess) {
		this.#process = process;
	}

	get isOpen(): boolean {
		return this.#process.isOpen;
	}

	async *decode(frame: Frame): AsyncGenerator<DecodedPicture[]> {
		const ticks = this.#clock.place(frame, (taken) => this.#pending.has(taken));
		this.#pending.set(ticks, frame);
		const { number } = frame.track;
		const data = toAccessUnit(frame, 'annex-b');
		const fields = { trackNumber: number, relativeTicks: 0, keyframe: frame.keyframe, data };
		this.#process.write(cluster(BigInt(ticks), block(fields)));
		yield* this.#picturesUntil(() => !this.#process.isFull);
	}

	async *finish(): AsyncGenerator<DecodedPicture[]> {
		this.#process.end();
		yield* this.#picturesUntil(() => this.#process.isOver);
		const rest = this.#withoutPicture(Number.POSITIVE_INFINITY);
		if (rest.length > 0) yield rest;
	}

	close(): Promise<void> {
		return this.#process.kill();
	}

	async *#picturesUntil(isDone: () => boolean): AsyncGenerator<DecodedPicture[]> {
		for await (const events of this.#process.until(isDone)) {
			const pictures = events.flatMap((event) => this.#pictures(event));
			if (pictures.length > 0) yield pictures;
		}
	}

	#pictures(event: MediaEvent): DecodedPicture[] {
		if (event.type !== 'frame') return [];
		const ticks = Number(event.timecodeNs) / TIMECODE_SCALE_NS;
		const frame = this.#pending.get(ticks);
		if (frame === undefined) return [];
		// Pictures come in the order of their times: those before this one will not come any more.
		const lost = this.#withoutPicture(ticks);
		this.#pending.delete(ticks);
		if (frame.keyframe) this.#isSpoilt = false;
		if (this.#isSpoilt) {
			return [...lost, { frame, picture: null, problem: 'a frame that it may refer to is damaged' }];
		}
		const { width = 0, height = 0 } = event.track;
		return [...lost, { frame, picture: { width, height, data: event.data }, problem: null }];
	}

	/** The frames before a time that gave no picture. */
	#withoutPicture(beforeTicks: number): DecodedPicture[] {
		const ticks = [...this.#pending.keys()].filter((key) => key < beforeTicks).sort((a, b) => a - b);
		return ticks.map((key) => {
			const frame = this.#pending.get(key) as Frame;
			this.#pending.delete(key);
			this.#isSpoilt ||= mayBeReferredTo(frame);
			return { frame, picture: null, problem: this.#process.lastWords || 'the decoder gave no picture' };
		});
	}
}

function argumentsFor(format: PictureFormat, threads: number | undefined): string[] {
	return [
		'-nostdin',
		'-hide_banner',
		'-v',
		'error',
		...(threads === undefined ? [] : ['-threads', String(threads)]),
		// The standard's delay, so that no order has to be guessed.
		'-strict',
		'1',
		// What is decoded to be looked at first is decoded twice.
		'-probesize',
		'32',
		'-analyzeduration',
		'0',
		'-fpsprobesize',
		'0',
		'-copyts',
		'-noautorotate',
		'-f',
		'matroska',
		'-i',
		'pipe:0',
		'-map',
		'0:v:0',
		'-vsync',
		'passthrough',
		'-enc_time_base',
		'1/1000',
		...ENCODERS[format],
		'-f',
		'matroska',
		'pipe:1',
	];
}

/** A TrackEntry without a CodecPrivate: every key frame brings its parameter sets, whatever the producer wrote where. */
function plainEntry({ number, codecId, width, height }: Track): Uint8Array {
	const size = width === undefined || height === undefined ? [] : [{ width, height }];
	return Buffer.concat([
		...unsigned('TrackNumber', number),
		...unsigned('TrackUID', number),
		...unsigned('TrackType', 1),
		...string('CodecID', registeredCodecId(codecId)),
		...size.flatMap((known) =>
			master('Video', [unsigned('PixelWidth', known.width), unsigned('PixelHeight', known.height)]),
		),
	]);
}
