import type { Frame } from '../model/media-event.js';
import type { ExportedFragment } from './export-manifest.js';

/** Something that is not as it should be in a fragment that was written all the same. */
export interface FragmentNotice {
	readonly fragmentNumber: string | null;
	/** One line. */
	readonly message: string;
}

/** What a manifest or a journal says against a fragment that was written. */
export function noticesOf({ fragmentNumber, notices = [] }: ExportedFragment): FragmentNotice[] {
	return notices.map((message) => ({ fragmentNumber, message }));
}

/** What is to be said of frames whose times were wrong: a line for each track. */
export function outlierNotices(outliers: readonly Frame[]): string[] {
	return byTrack(outliers).map(({ track, count, time }) =>
		count === 1
			? `a frame of track ${track} has an implausible timestamp, ${time}; it was written between its neighbours`
			: `${count} frames of track ${track} have implausible timestamps, the first ${time}; they were written between their neighbours`,
	);
}

/** What is to be said of frames that are damaged as can be seen without a decoder: a line for each track. */
export function brokenNotices(broken: readonly Frame[]): string[] {
	return byTrack(broken).map(({ track, count, time }) =>
		count === 1
			? `a frame of track ${track} is damaged at ${time}: the lengths of its NAL units do not match its size`
			: `${count} frames of track ${track} are damaged, the first at ${time}: the lengths of their NAL units do not match their sizes`,
	);
}

function byTrack(all: readonly Frame[]): { track: number; count: number; time: string }[] {
	const numbers = new Set(all.map(({ track }) => track.number));
	return [...numbers].map((number) => {
		const frames = all.filter(({ track }) => track.number === number);
		const [first] = frames as [Frame];
		const time = first.timestamp?.toISOString() ?? `${Number(first.timecodeNs) / 1e9} s`;
		return { track: number, count: frames.length, time };
	});
}
