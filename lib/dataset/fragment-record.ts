import { isCount, isRecord, isTextOrNull } from '../export/field-checks.js';

/** What became of one fragment of a range whose pictures were exported. */
export interface FragmentRecord {
	readonly fragmentNumber: string | null;
	/** `failed`: it was cut, or had no media. `missing`: it never arrived. `skipped`: it is not wanted, as `where` says. */
	readonly status: 'delivered' | 'failed' | 'missing' | 'skipped';
	/** Of a failure: the service's number and word for it, and what was said. */
	readonly code?: number | null;
	readonly name?: string;
	readonly message?: string;
	/** Frames of it that were read, and the sum of their sizes. */
	readonly frames: number;
	readonly bytes: number;
	/** Places at which it and others do not meet. */
	readonly gaps: number;
}

const STATUSES: readonly unknown[] = ['delivered', 'failed', 'missing', 'skipped'];

/** What a section and a manifest say of a fragment. */
export function isFragmentRecord(value: unknown): value is FragmentRecord {
	if (!isRecord(value)) return false;
	const { fragmentNumber, status, code, name, message, frames, bytes, gaps } = value;
	return (
		isTextOrNull(fragmentNumber) &&
		STATUSES.includes(status) &&
		(code === undefined || code === null || Number.isSafeInteger(code)) &&
		[name, message].every((text) => text === undefined || typeof text === 'string') &&
		[frames, bytes, gaps].every(isCount)
	);
}
