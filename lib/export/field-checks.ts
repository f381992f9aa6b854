import type { ExportedFragment, FileCut } from './export-manifest.js';
import type { ExportNames } from './export-names.js';

/** How deep a request and a state are nested at most. */
const MAX_DEPTH = 8;

/** An object, of whatever members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number from 0 on. */
export function isCount(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A number from 0 on, in whole or in part. */
export function isLength(value: unknown): value is number {
	return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}

/** Objects, lists, texts and numbers, not nested without end. */
export function isPlainRecord(value: unknown): value is Record<string, unknown> {
	return isRecord(value) && isShallow(value, MAX_DEPTH);
}

function isShallow(value: unknown, depth: number): boolean {
	if (typeof value !== 'object' || value === null) return true;
	return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1));
}

/** A text, or null. */
export function isTextOrNull(value: unknown): value is string | null {
	return value === null || typeof value === 'string';
}

/** A SHA-256 in hexadecimal. */
export function isSha256(value: unknown): value is string {
	return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

/** Counts of places that do not meet, by their kind. */
export function isMergedGaps(value: unknown): boolean {
	return (
		isRecord(value) && ['gap', 'overlap', 'regression', 'duplicate'].every((kind) => isCount(value[kind]))
	);
}

/** Why a file was begun. */
export function isCut(value: unknown): value is FileCut | null {
	if (value === null) return true;
	if (!isRecord(value)) return false;
	const { reason, fragmentNumber, detail } = value;
	const isReason = ['codec', 'gap', 'duration', 'size', 'tag'].includes(reason as string);
	return isReason && isTextOrNull(fragmentNumber) && typeof detail === 'string';
}

/** What the fragments of a file have of a tag; absent where files are not split by one. */
function isFileTag(value: unknown): boolean {
	return (
		value === undefined ||
		(isRecord(value) && typeof value['name'] === 'string' && isTextOrNull(value['value']))
	);
}

/** What a manifest, and a journal, says of a finished file besides its name; there is something by which all of it can be checked. */
export function isFileFacts(value: unknown): value is Record<string, unknown> {
	if (!isRecord(value)) return false;
	const { bytes, durationMs, frames, cut, tag, head, tail, sha256 } = value;
	if (!isCount(bytes) || !isCount(frames) || !isLength(durationMs)) return false;
	if (!isCut(cut) || !isFileTag(tag)) return false;
	if (sha256 !== null) return isSha256(sha256) && head === null && tail === null;
	return isSection(head) && isSection(tail) && head.bytes + tail.bytes <= bytes;
}

function isSection(value: unknown): value is { bytes: number } {
	return isRecord(value) && isCount(value['bytes']) && isSha256(value['sha256']);
}

/** What a manifest, and a journal, says of a fragment. `fileCount`: how many files there are. */
export function isExportedFragment(value: unknown, fileCount: number): value is ExportedFragment {
	if (!isRecord(value)) return false;
	const { fragmentNumber, producerTimestamp, serverTimestamp, status, code, name, message } = value;
	const { frames, bytes, sha256, ranges, notices = [] } = value;
	return (
		[fragmentNumber, producerTimestamp, serverTimestamp].every(isTextOrNull) &&
		['delivered', 'failed', 'missing', 'skipped'].includes(status as string) &&
		(code === undefined || code === null || Number.isSafeInteger(code)) &&
		[name, message].every((text) => text === undefined || typeof text === 'string') &&
		Array.isArray(notices) &&
		notices.every((notice) => typeof notice === 'string') &&
		isCount(frames) &&
		isCount(bytes) &&
		Array.isArray(ranges) &&
		ranges.every((range) => isRange(range, fileCount)) &&
		(isSha256(sha256) || (sha256 === null && ranges.length === 0))
	);
}

function isRange(value: unknown, fileCount: number): boolean {
	if (!isRecord(value)) return false;
	const { file, offset, bytes } = value;
	return isCount(file) && file < fileCount && isCount(offset) && isCount(bytes) && isCount(offset + bytes);
}

/** A file that was begun, as a journal has it. */
export function isOpenedFile(value: unknown, names: ExportNames): boolean {
	if (!isRecord(value)) return false;
	const { number, cut, tag, tracks, parts } = value;
	return (
		isCount(number) &&
		isCut(cut) &&
		isFileTag(tag) &&
		Array.isArray(tracks) &&
		tracks.every((entry) => typeof entry === 'string') &&
		Array.isArray(parts) &&
		parts.length > 0 &&
		parts.every((part) => names.isOwnPart(part))
	);
}

/** A file that is whole and waits for its name, as a journal has it. */
export function isSealedFile(value: unknown, names: ExportNames): boolean {
	if (!isFileFacts(value)) return false;
	const { number, part, suffix } = value;
	return (
		isCount(number) &&
		names.isOwnPart(part) &&
		(suffix === null ||
			(typeof suffix === 'string' && names.isOwn(names.name(number, { isNumbered: true, suffix }))))
	);
}

/** What the open file needs to go on, as a journal has it; `partCount`: of how many parts it is. */
export function isOpenState(value: unknown, partCount: number): boolean {
	if (!isRecord(value)) return false;
	const { timeline, lanes } = value;
	if (!isPlainRecord(timeline) || !Array.isArray(lanes) || lanes.length !== partCount) return false;
	return lanes.every((lane) => {
		if (!isRecord(lane)) return false;
		const { sizeBytes, headBytes, frames, entries } = lane;
		return (
			isCount(sizeBytes) &&
			isCount(headBytes) &&
			headBytes <= sizeBytes &&
			isCount(frames) &&
			Array.isArray(entries)
		);
	});
}
