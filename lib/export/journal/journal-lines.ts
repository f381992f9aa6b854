import { createHash } from 'node:crypto';
import { fileLines } from '../../files/file-lines.js';

/** A line longer than this is not one: a fragment of a whole day of frames has 50 MB. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;

/** What the checksum of the first line is made of besides the line. */
export const JOURNAL_START = 'kvs-archive journal 2';

/** A line of a journal. */
export interface JournalLine {
	/** What the manifest will say of a fragment, as JSON; empty where the line is about none. */
	readonly fragmentText: string;
	/** What the next export needs to go on, as JSON. */
	readonly restText: string;
	/** Of this line and all before it. */
	readonly checksum: string;
	/** Where the next line begins. */
	readonly end: number;
}

/**
 * A line: both texts and a checksum, with tabs between them, which JSON never has. The checksum covers the lines before it
 * too (`before` is theirs), so that a line that was changed, lost or doubled is noticed, with all that come after it.
 */
export function formatJournalLine(
	before: string,
	fragmentText: string,
	restText: string,
): { text: string; checksum: string } {
	const body = `${fragmentText}\t${restText}`;
	const checksum = checksumOf(before, body);
	return { text: `${body}\t${checksum}\n`, checksum };
}

/** The lines of a journal that count, up to `endBytes`: those before the first one that is damaged. */
export async function* journalLines(
	path: string,
	endBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<JournalLine> {
	let before = JOURNAL_START;
	for await (const { bytes, end } of fileLines(path, MAX_LINE_BYTES)) {
		const last = bytes.lastIndexOf('\t');
		const checksum = last === -1 ? '' : checksumOf(before, bytes.subarray(0, last));
		if (end > endBytes || last === -1 || bytes.toString('latin1', last + 1) !== checksum) return;
		const body = bytes.toString('utf8', 0, last);
		const tab = body.indexOf('\t');
		yield { fragmentText: body.slice(0, tab), restText: body.slice(tab + 1), checksum, end };
		before = checksum;
	}
}

/** 96 bits are plenty against chance, and a journal has a line for each fragment. */
function checksumOf(before: string, body: string | Uint8Array): string {
	return createHash('sha256').update(before).update('\n').update(body).digest('base64url').slice(0, 16);
}
