import { SinkError } from '../errors.js';
import type { FragmentFailureEvent, Frame, RunEvent } from '../model/media-event.js';
import type { RunStart } from '../model/run-start.js';
import { MAX_NAMED_FAILURES } from '../model/run-summary.js';
import type { Picture } from '../pictures/picture.js';
import type { FragmentRecord } from './fragment-record.js';
import type { PictureMark, Restart, TrackProgress } from './section.js';

/** What earlier processes have done of a run. */
export interface RunPast {
	/** Fragments that need not be read again, in archive order. */
	readonly fragments: readonly FragmentRecord[];
	/** By number of the track. */
	readonly tracks: ReadonlyMap<number, TrackProgress>;
}

/** What a track's pictures are to be known by. */
type PictureProgress = Pick<TrackProgress, 'last' | 'restart' | 'failures'>;

/** A group of pictures: a key frame, and what follows it in decoding order. */
interface Group {
	readonly fragmentNumber: string | null;
	readonly timecodeNs: string;
	/** How many fragments are before that of its key frame. */
	readonly fragmentsBefore: number;
	/** How to begin at it; null where that is not possible. */
	restart: Restart | null;
	/** Frames of it that could not be decoded. */
	failures: number;
}

/** What is known of a track while its frames are read and its pictures come. */
interface TrackLedger {
	/** How many fragments are before the first that has frames of it. */
	readonly fragmentsBefore: number;
	/** From that of the last picture on, in decoding order. */
	readonly groups: Group[];
	/** Of the last picture. */
	group: Group | null;
	last: PictureMark | null;
	/** Where to begin for what comes after the last picture; null: at the beginning of the range. */
	restart: Restart | null;
	/** Frames that could not be decoded: before the restart, and from there up to the group of the last picture. */
	failures: number;
	newFailures: number;
	/** Of the last section that is finished. */
	committed: Pick<TrackProgress, 'restart'> | null;
	/** Where earlier processes have stopped; null when that has come. */
	until: PictureMark | null;
}

const NEW_TRACK: Omit<TrackLedger, 'groups'> = {
	fragmentsBefore: 0,
	group: null,
	last: null,
	restart: null,
	failures: 0,
	newFailures: 0,
	committed: null,
	until: null,
};

/**
 * Follows a run from both ends, its fragments and frames as they are read and its pictures as they come, and so knows where
 * another process would have to begin to go on after a picture.
 */
export class RunLedger {
	readonly #name: string;
	readonly #fragments: FragmentRecord[];
	readonly #tracks = new Map<number, TrackLedger>();
	readonly #groups = new WeakMap<Frame, Group>();
	/** How many of the fragments are written down as done. */
	#done: number;
	#gaps = 0;
	#open: { frames: number; bytes: number; gaps: number; failure: FragmentFailureEvent | null } | null = null;

	/** `name`: of the folder, for messages. */
	constructor(name: string, past: RunPast) {
		this.#name = name;
		this.#fragments = [...past.fragments];
		this.#done = this.#fragments.length;
		for (const [number, { restart, failures, last }] of past.tracks) {
			this.#tracks.set(number, {
				...NEW_TRACK,
				groups: [],
				restart,
				failures,
				committed: { restart },
				until: last,
			});
		}
	}

	/** What became of the fragments so far, in archive order. */
	get fragments(): readonly FragmentRecord[] {
		return this.#fragments;
	}

	/** Takes what is read, before it is decoded. */
	events(events: readonly RunEvent[]): void {
		for (const event of events) this.#event(event);
	}

	/**
	 * Decoding has come to a key frame. `state`: what a selection needs to begin there; undefined where decoding cannot begin
	 * there so that the same pictures come.
	 */
	group(key: Frame, state: unknown): void {
		const group = this.#groups.get(key);
		if (group === undefined || state === undefined) return;
		const { fragmentNumber, timecodeNs, fragmentsBefore } = group;
		group.restart = { fragmentNumber, timecodeNs, fragmentsBefore, state };
	}

	/** A frame that was wanted could not be decoded. */
	failed(frame: Frame): void {
		const group = this.#groups.get(frame);
		if (group !== undefined) group.failures++;
	}

	/**
	 * Takes the next picture of its track; false where an earlier process has written it. Throws `SinkError`
	 * (`KVS_PART_LOST`) where the pictures are others than before.
	 */
	picture({ frame }: Picture): boolean {
		const track = this.#trackOf(frame);
		const group = this.#groups.get(frame) ?? null;
		const { fragmentNumber } = frame;
		const timecodeNs = String(frame.timecodeNs);
		const { last } = track;
		const isTwin =
			group === track.group && last?.timecodeNs === timecodeNs && last.fragmentNumber === fragmentNumber;
		track.last = { fragmentNumber, timecodeNs, twins: isTwin ? last.twins + 1 : 0 };
		if (group !== null) comeTo(track, group);
		if (track.until === null) return true;
		if (isSame(track.until, track.last)) track.until = null;
		else this.#checkUntil(frame.track.number, track.until, group);
		return false;
	}

	/** The state of a track after its last picture. */
	progressOf(number: number): PictureProgress {
		const { last, restart, failures } = this.#tracks.get(number) as TrackLedger;
		return { last: last as PictureMark, restart, failures };
	}

	/**
	 * The pictures of a track are finished up to its last one. Returns the fragments that need not be read again by now, since
	 * the last call.
	 */
	finished(number: number): readonly FragmentRecord[] {
		const finished = this.#tracks.get(number) as TrackLedger;
		finished.committed = { restart: finished.restart };
		const starts = [...this.#tracks.values()].map(({ committed, fragmentsBefore }) =>
			committed === null ? fragmentsBefore : (committed.restart?.fragmentsBefore ?? 0),
		);
		const before = this.#done;
		this.#done = Math.max(before, Math.min(...starts, this.#fragments.length));
		return this.#fragments.slice(before, this.#done);
	}

	/** Throws `SinkError` (`KVS_PART_LOST`) where pictures that an earlier process has written did not come. */
	end(): void {
		for (const [number, { until }] of this.#tracks) if (until !== null) throw this.#isLost(number, until);
	}

	#event(event: RunEvent): void {
		switch (event.type) {
			case 'gap':
				this.#gaps++;
				break;
			case 'fragment':
				this.#open = { frames: 0, bytes: 0, gaps: this.#takeGaps(), failure: null };
				break;
			case 'frame':
				this.#frame(event);
				break;
			case 'fragment-failure':
				if (this.#open === null) this.#add(event.fragmentNumber, { failure: event });
				else this.#open.failure = event;
				break;
			case 'fragment-end':
				this.#add(event.fragmentNumber, this.#open ?? {});
				this.#open = null;
				break;
			case 'fragment-skipped':
				this.#fragments.push({
					fragmentNumber: event.fragmentNumber,
					status: 'skipped',
					frames: 0,
					bytes: 0,
					gaps: 0,
				});
				break;
		}
	}

	#frame(frame: Frame): void {
		if (this.#open !== null) {
			this.#open.frames++;
			this.#open.bytes += frame.data.byteLength;
		}
		if (frame.track.type !== 'video') return;
		const track = this.#trackOf(frame);
		if (frame.keyframe) {
			track.groups.push({
				fragmentNumber: frame.fragmentNumber,
				timecodeNs: String(frame.timecodeNs),
				fragmentsBefore: this.#fragments.length,
				restart: null,
				failures: 0,
			});
		}
		const group = track.groups.at(-1);
		if (group !== undefined) this.#groups.set(frame, group);
	}

	#trackOf({ track: { number } }: Frame): TrackLedger {
		const known = this.#tracks.get(number);
		if (known !== undefined) return known;
		const track: TrackLedger = { ...NEW_TRACK, groups: [], fragmentsBefore: this.#fragments.length };
		this.#tracks.set(number, track);
		return track;
	}

	#checkUntil(number: number, until: PictureMark, group: Group | null): void {
		if (group === null) return;
		const at = this.#fragments.findLastIndex(({ fragmentNumber }) => fragmentNumber === until.fragmentNumber);
		if (at !== -1 && at < group.fragmentsBefore) throw this.#isLost(number, until);
	}

	#add(
		fragmentNumber: string | null,
		{
			failure = null,
			frames = 0,
			bytes = 0,
			gaps = this.#takeGaps(),
		}: { failure?: FragmentFailureEvent | null; frames?: number; bytes?: number; gaps?: number },
	): void {
		const failed =
			failure === null ? {} : { code: failure.code, name: failure.name, message: failure.message };
		const status = failure === null ? 'delivered' : failure.name === 'MISSING' ? 'missing' : 'failed';
		this.#fragments.push({ fragmentNumber, status, ...failed, frames, bytes, gaps });
	}

	#isLost(track: number, { fragmentNumber }: PictureMark): SinkError {
		const message = `cannot resume \`${this.#name}\`: decoding again did not give the last written picture of track ${track} (fragment ${fragmentNumber}); remove the folder, or name another, to start over`;
		return new SinkError('KVS_PART_LOST', this.#name, message);
	}

	#takeGaps(): number {
		const gaps = this.#gaps;
		this.#gaps = 0;
		return gaps;
	}
}

/** Where a run of the same range begins that goes on after these fragments. */
export function runStartOf(fragments: readonly FragmentRecord[]): RunStart {
	const totals = { delivered: 0, failed: 0, missing: 0, skipped: 0, frames: 0, bytes: 0, gaps: 0 };
	for (const { status, frames, bytes, gaps } of fragments) {
		totals[status]++;
		totals.frames += frames;
		totals.bytes += bytes;
		totals.gaps += gaps;
	}
	const numbers = fragments.flatMap(({ fragmentNumber }) => fragmentNumber ?? []);
	const failures = fragments
		.filter(({ status }) => status === 'failed' || status === 'missing')
		.slice(0, MAX_NAMED_FAILURES)
		.map(({ fragmentNumber, code = null, name = '', message = '' }) => ({
			fragmentNumber,
			code,
			name,
			message,
		}));
	return { known: new Set(numbers), last: numbers.at(-1) ?? null, totals, failures };
}

/** The pictures of a track have come to a group, those of the groups before it are over. */
function comeTo(track: TrackLedger, group: Group): void {
	if (group === track.group) return;
	const begin = ({ restart }: Group): void => {
		if (restart === null) return;
		track.restart = restart;
		track.failures += track.newFailures;
		track.newFailures = 0;
	};
	for (const passed of track.groups.splice(0, Math.max(0, track.groups.indexOf(group)))) {
		if (passed !== track.group) begin(passed);
		track.newFailures += passed.failures;
	}
	begin(group);
	track.group = group;
}

function isSame(a: PictureMark, b: PictureMark): boolean {
	return a.fragmentNumber === b.fragmentNumber && a.timecodeNs === b.timecodeNs && a.twins === b.twins;
}
