import type { Picture } from '../pictures/picture.js';
import { isoTime } from '../sinks/picture-facts.js';
import type { DatasetForm } from './dataset-form.js';

/** What is remembered of the names that were given, so that the next is another one. */
export interface NamesState {
	/** The latest time so far, in microseconds; null where there is none. */
	readonly latestUs: number | null;
	/** How many pictures were not later than all before them. */
	readonly repeats: number;
}

/** Before the first name. */
export const NO_NAMES: NamesState = { latestUs: null, repeats: 0 };

/** Names of the layout `files`, and the keys of the others. A folder is trusted with no others. */
const FILE_NAME =
	/^(?:\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d\.\d{3,6}Z|-?\d{15,20}us)(?:_track\d{1,10})?(?:_\d{1,10})?\.[a-z0-9]{1,8}$/;
const KEY_NAME = /^(?:\d{8}T\d{12}Z|-?\d{15,20}us)-t\d{1,10}(?:-\d{1,10})?\.[a-z0-9]{1,8}$/;

/**
 * Names the pictures of one track by their exact time. Where the time goes back or stands still, a number follows that no other
 * picture of the track has, so that no two names are equal however long the range is.
 *
 * `files`: `2026-01-31T14.03.07.250Z`, `…_2`, and `…_track2` of a track that is not the first. Keys: `20260131T140307250000Z-t1`,
 * `…-t1-2`, without a dot or a colon, in the order of time.
 */
export class SampleNames {
	readonly #layout: DatasetForm['layout'];
	#state: NamesState;

	constructor(layout: DatasetForm['layout'], state: NamesState = NO_NAMES) {
		this.#layout = layout;
		this.#state = state;
	}

	get state(): NamesState {
		return this.#state;
	}

	/** The name of the next picture, without its ending. */
	next({ timestampMs, frame }: Picture): string {
		const us = timestampMs === null ? Number(frame.timecodeNs / 1000n) : Math.round(timestampMs * 1000);
		const { latestUs, repeats } = this.#state;
		const isLater = latestUs === null || us > latestUs;
		this.#state = isLater ? { latestUs: us, repeats } : { latestUs, repeats: repeats + 1 };
		const { number } = frame.track;
		const turn = isLater ? [] : [String(repeats + 2)];
		const time = timestampMs === null ? '' : isoTime(timestampMs);
		const hasTime = /^\d{4}-/.test(time);
		const ticks = `${String(us).padStart(15, '0')}us`;
		if (this.#layout === 'files') {
			const base = hasTime ? time.replaceAll(':', '.') : ticks;
			return [base, ...(number === 1 ? [] : [`track${number}`]), ...turn].join('_');
		}
		return [hasTime ? keyTime(time) : ticks, `t${number}`, ...turn].join('-');
	}
}

/** Whether a file is named as the pictures and shards of a form are. */
export function isOwnName(
	name: string,
	{ layout, name: prefix }: Pick<DatasetForm, 'layout' | 'name'>,
): boolean {
	if (layout === 'files') return FILE_NAME.test(name);
	if (layout === 'imagefolder') return KEY_NAME.test(name);
	return name.startsWith(prefix) && /^(?:-track\d{1,10})?-\d{6,9}\.tar$/.test(name.slice(prefix.length));
}

/** The name of a shard, counted from 0 on each track. */
export function shardName({ name }: Pick<DatasetForm, 'name'>, track: number, number: number): string {
	return `${name}${track === 1 ? '' : `-track${track}`}-${String(number).padStart(6, '0')}.tar`;
}

/** `20260131T140307250000Z`: always with microseconds, so that the order of the letters is that of the times. */
function keyTime(time: string): string {
	const [seconds = '', fraction = ''] = time.replace(/[-:Z]/g, '').split('.');
	return `${seconds}${fraction.padEnd(6, '0')}Z`;
}
