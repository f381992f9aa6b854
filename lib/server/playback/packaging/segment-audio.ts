import type { Track } from '../../../model/track.js';
import type { Sample } from '../../../mp4/sample-times.js';
import { aacFrameMs } from './even-audio.js';
import type { FragmentMedia } from './fragment-media.js';

/** A fragment, and those before and after it where the recording continues from one to the other; null where it does not. */
export interface JoinedMedia {
	readonly previous: FragmentMedia | null;
	readonly own: FragmentMedia;
	readonly next: FragmentMedia | null;
}

/**
 * The audio frames of a segment, in order: those that are heard while its video is seen.
 *
 * Producers cut where a key frame comes, and audio that is older or younger than the video beside it stands on the wrong
 * side of the cut: by 80 ms with two B-frames. A player that begins a new timeline with each segment then has video
 * without audio at one end and audio without video at the other, and may wait there without end. So whole frames move to
 * the segment whose video they belong to: to the earlier one where more than half of the frame is before the first
 * picture of the later. Each frame is in exactly one of two segments that join, whichever of the two is asked for first;
 * where a recording begins, ends or has a gap all frames stay.
 */
export function segmentAudio({ previous, own, next }: JoinedMedia, video: Track, audio: Track): Sample[] {
	const halfMs = (aacFrameMs(audio) ?? 0) / 2;
	const startMs = borderMs(previous, own, video);
	const endMs = borderMs(own, next, video);
	const isFrom = ({ ms }: Sample, border: number): boolean => ms + halfMs >= border;
	const framesOf = (media: FragmentMedia | null): readonly Sample[] => media?.samples.get(audio.number) ?? [];
	const later = startMs === null ? [] : framesOf(previous).filter((frame) => isFrom(frame, startMs));
	const earlier = endMs === null ? [] : framesOf(next).filter((frame) => !isFrom(frame, endMs));
	const kept = framesOf(own).filter(
		(frame) => (startMs === null || isFrom(frame, startMs)) && (endMs === null || !isFrom(frame, endMs)),
	);
	return [...later, ...kept, ...earlier];
}

/** Where the video of one fragment ends and that of the next begins, null where they do not meet. */
function borderMs(earlier: FragmentMedia | null, later: FragmentMedia | null, video: Track): number | null {
	const [beginMs, endMs] = [earlier, later].map((media) =>
		firstShownMs(media?.samples.get(video.number) ?? []),
	);
	return beginMs != null && endMs != null && beginMs < endMs ? endMs : null;
}

/** When the first picture is shown, which need not be the one that is decoded first. */
export function firstShownMs(video: readonly Sample[]): number | null {
	return video.reduce<number | null>((first, { ms }) => (first === null ? ms : Math.min(first, ms)), null);
}
