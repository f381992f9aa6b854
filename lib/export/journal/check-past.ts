import { dirname, join } from 'node:path';
import { isFileThere } from '../../files/is-file-there.js';
import { ExportBytes } from '../export-bytes.js';
import type { ExportedFragment, FileSection } from '../export-manifest.js';
import { ExportNames } from '../export-names.js';
import type { ExportPast, SealedFile } from '../export-past.js';
import { journalLines } from './journal-lines.js';

/**
 * Reads everything that an export has written so far and compares it with its journal. Returns up to where the journal is
 * true, in bytes: to its end, to the last fragment before one that is damaged, or 0 where there is nothing to go on from.
 * Fails with the system's error where the disk is in trouble, and where something that is not a file is in place of one.
 *
 * What the open file begins with is not compared: it is written again.
 *
 * @param path - of the journal
 */
export async function intactBytes(
	file: string,
	path: string,
	past: ExportPast,
	signal: AbortSignal | undefined,
): Promise<number> {
	const paths: string[] = [];
	for (const sealed of past.sealed) {
		const there = await pathOf(file, past, sealed);
		if (there === null) return 0;
		paths.push(there);
	}
	for (const part of past.open?.file.parts ?? []) {
		const there = join(dirname(file), part);
		if (!(await isFileThere(there))) return 0;
		paths.push(there);
	}
	const bytes = new ExportBytes(paths, signal);
	try {
		for (const [index, sealed] of past.sealed.entries())
			if (!(await isSealedIntact(bytes, index, sealed))) return 0;
		return await intactFragments(path, past, bytes);
	} finally {
		await bytes.close();
	}
}

/** Where a sealed file is: it waits for its name, or has it by now. */
async function pathOf(
	file: string,
	{ sealed }: ExportPast,
	{ number, part, suffix }: SealedFile,
): Promise<string | null> {
	const names = new ExportNames(file);
	const waiting = join(dirname(file), part);
	if (await isFileThere(waiting)) return waiting;
	const isAlone = (sealed.at(-1)?.number ?? 0) === 0;
	for (const isNumbered of isAlone ? [true, false] : [true]) {
		const published = join(dirname(file), names.name(number, { isNumbered, suffix }));
		if (await isFileThere(published, { follows: true })) return published;
	}
	return null;
}

/** Whether the parts of a sealed file that belong to no fragment are what they were. */
async function isSealedIntact(
	bytes: ExportBytes,
	file: number,
	{ bytes: sizeBytes, head, tail, sha256 }: SealedFile,
): Promise<boolean> {
	if ((await bytes.sizeOf(file)) !== sizeBytes) return false;
	const isSection = async (offset: number, section: FileSection): Promise<boolean> =>
		(await bytes.sha256([{ file, offset, bytes: section.bytes }])) === section.sha256;
	if (sha256 !== null) return isSection(0, { bytes: sizeBytes, sha256 });
	if (head === null || tail === null) return false;
	return (await isSection(0, head)) && isSection(sizeBytes - tail.bytes, tail);
}

async function intactFragments(path: string, past: ExportPast, bytes: ExportBytes): Promise<number> {
	const { sealed } = past;
	/** Up to where each file has been looked at. */
	const positions = [
		...sealed.map(({ head }) => head?.bytes ?? 0),
		...(past.open?.state.lanes ?? []).map(({ headBytes }) => headBytes),
	];
	let intact = 0;
	let isOpen = false;
	for await (const { fragmentText, end } of journalLines(path)) {
		const fragment: ExportedFragment | null = fragmentText === '' ? null : JSON.parse(fragmentText);
		const ranges = fragment?.ranges ?? [];
		const first = ranges[0]?.file ?? 0;
		// Where the index was moved to the front, everything else was moved too; the file was compared as a whole.
		const isMoved = sealed[first]?.sha256 != null;
		if (ranges.length > 0 && !isMoved) {
			const isInPlace = ranges.every(({ file, offset, bytes: length }) => {
				const isNext = positions[file] === offset;
				positions[file] = offset + length;
				return isNext;
			});
			const isIntact = isInPlace && (await bytes.sha256(ranges)) === fragment?.sha256;
			// A sealed file is not opened again, and before its first fragment an open one has not been begun.
			if (!isIntact) return isOpen ? intact : 0;
			isOpen = first >= sealed.length;
		}
		intact = end;
	}
	return intact;
}
