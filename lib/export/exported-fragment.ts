import type {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	FragmentSkippedEvent,
} from '../model/media-event.js';
import type { ExportedFragment, FragmentRange } from './export-manifest.js';

/** What a fragment left in the files. */
export interface WrittenFragment {
	readonly frames: number;
	readonly bytes: number;
	readonly sha256: string | null;
	/** `file` counts the files of the export. */
	readonly ranges: readonly FragmentRange[];
}

/** What a fragment left that has no frames in the files. */
export const NOTHING_WRITTEN: WrittenFragment = { frames: 0, bytes: 0, sha256: null, ranges: [] };

/** What a manifest says of a fragment that came, whole or in part. */
export function endedFragment(
	{ producerTimestamp, serverTimestamp }: FragmentEvent,
	{ fragmentNumber }: FragmentEndEvent,
	{
		failure,
		notices,
		written,
	}: {
		readonly failure: FragmentFailureEvent | null;
		readonly notices: readonly string[];
		readonly written: WrittenFragment;
	},
): ExportedFragment {
	return {
		fragmentNumber,
		producerTimestamp: producerTimestamp?.toISOString() ?? null,
		serverTimestamp: serverTimestamp?.toISOString() ?? null,
		status: failure === null ? 'delivered' : 'failed',
		...(failure === null ? {} : { code: failure.code, name: failure.name, message: failure.message }),
		...(notices.length === 0 ? {} : { notices }),
		...written,
	};
}

/** What a manifest says of a fragment that did not come at all. */
export function missingFragment({
	fragmentNumber,
	code,
	name,
	message,
}: FragmentFailureEvent): ExportedFragment {
	const status = name === 'MISSING' ? 'missing' : 'failed';
	const times = { producerTimestamp: null, serverTimestamp: null };
	return { fragmentNumber, ...times, status, code, name, message, ...NOTHING_WRITTEN };
}

/** What a manifest says of a fragment that came and was left out. */
export function skippedFragment({
	fragmentNumber,
	producerTimestamp,
	serverTimestamp,
}: FragmentSkippedEvent): ExportedFragment {
	const times = {
		producerTimestamp: producerTimestamp?.toISOString() ?? null,
		serverTimestamp: serverTimestamp?.toISOString() ?? null,
	};
	return { fragmentNumber, ...times, status: 'skipped', ...NOTHING_WRITTEN };
}
