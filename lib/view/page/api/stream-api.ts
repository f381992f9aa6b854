import type {
	BoundsLine,
	FragmentDetails,
	PlayedSession,
	StoredFragment,
	TimelineLine,
	WindowLine,
} from '../../view-responses.js';
import type { ArchiveClock } from '../address.js';
import { ApiError, getJson, getLines, getResponse, sendJson } from './api-requests.js';

/**
 * What the local process does with one stream. All times are those of one clock, epoch milliseconds; ranges include both ends. Every
 * method rejects with `ApiError`, or with the signal's reason.
 */
export class StreamApi {
	readonly stream: string;
	readonly clock: ArchiveClock;
	readonly #place: { readonly stream: string; readonly by: ArchiveClock };

	constructor(stream: string, clock: ArchiveClock) {
		this.stream = stream;
		this.clock = clock;
		this.#place = { stream, by: clock };
	}

	/** When the first and the last stored fragment begin: what is known first, the last exact; nothing where none is stored. */
	bounds(signal: AbortSignal): AsyncGenerator<BoundsLine> {
		return getLines('bounds', this.#place, signal);
	}

	/** The fragments of a window as they come, unordered; returns whether these are all. */
	async window(
		range: { from: number; to: number },
		{
			signal,
			onFragments,
		}: { signal: AbortSignal; onFragments: (fragments: readonly StoredFragment[]) => void },
	): Promise<boolean> {
		let isWhole = false;
		for await (const line of getLines<WindowLine>('window', { ...this.#place, ...range }, signal)) {
			if ('fragments' in line) onFragments(line.fragments);
			else isWhole = line.isWhole;
		}
		return isWhole;
	}

	/** One of the fragments that begin in a range; null where none does. */
	bucket(range: { from: number; to: number }, signal: AbortSignal): Promise<StoredFragment | null> {
		return getJson('bucket', { ...this.#place, ...range }, signal);
	}

	/** Codec changes and overlaps of a range. */
	async timeline(range: { from: number; to: number }, signal: AbortSignal): Promise<TimelineLine[]> {
		const lines: TimelineLine[] = [];
		for await (const line of getLines<TimelineLine>('timeline', { ...this.#place, ...range }, signal))
			lines.push(line);
		return lines;
	}

	/** What a fragment holds, of those that begin at a time. */
	fragment(place: { number: string; at: number }, signal: AbortSignal): Promise<FragmentDetails> {
		return getJson('fragment', { ...this.#place, ...place }, signal);
	}

	/** The first picture of a fragment that begins at a time; null where it has none. */
	async thumbnail(at: number, signal: AbortSignal): Promise<ImageBitmap | null> {
		try {
			const response = await getResponse('thumbnail', { ...this.#place, at }, signal);
			return await createImageBitmap(await response.blob());
		} catch (error) {
			if (error instanceof ApiError && error.code === 'KVS_NOT_FOUND') return null;
			throw error;
		}
	}

	/** A session from a moment on, or of what is recorded now (null). `isNext`: of what begins at the moment or after it only. */
	openSession(
		{ atMs, isNext }: { readonly atMs: number | null; readonly isNext: boolean },
		signal: AbortSignal,
	): Promise<PlayedSession> {
		const at = atMs === null ? {} : { at: Math.round(atMs), isNext };
		return sendJson('POST', 'sessions', { ...this.#place, ...at }, signal);
	}
}
