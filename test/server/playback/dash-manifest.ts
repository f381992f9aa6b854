import { fetchText, type Session } from './start-playback.js';

/** A manifest, as far as tests look at it. */
export interface Manifest {
	readonly text: string;
	/** Attributes of the MPD element. */
	readonly mpd: ReadonlyMap<string, string>;
	/** Of each adaptation set, its template and its segments. */
	readonly sets: readonly {
		readonly template: ReadonlyMap<string, string>;
		readonly segments: readonly ReadonlyMap<string, string>[];
		readonly representation: ReadonlyMap<string, string>;
	}[];
}

/** The manifest of a session. */
export async function readManifest({ url }: Session): Promise<Manifest> {
	const text = await fetchText(url);
	const [head = '', ...sets] = text.split('<AdaptationSet');
	const first = (name: string, within: string): ReadonlyMap<string, string> =>
		attributes(elements(name, within)[0] ?? '');
	return {
		text,
		mpd: first('MPD', head),
		sets: sets.map((set) => ({
			template: first('SegmentTemplate', set),
			segments: elements('S', set).map(attributes),
			representation: first('Representation', set),
		})),
	};
}

/** The address of what a template makes of a number. */
export function segmentUrl(
	{ url }: Session,
	{ sets }: Manifest,
	number: number,
	set = 0,
	of: 'media' | 'initialization' = 'media',
): URL {
	const template = sets[set]?.template.get(of) as string;
	return new URL(template.replace('$Number$', String(number)), url);
}

function elements(name: string, text: string): string[] {
	return [...text.matchAll(new RegExp(`<${name}( [^>]*?)/?>`, 'g'))].map(([, found = '']) => found);
}

function attributes(text: string): Map<string, string> {
	return new Map(
		[...text.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
			key,
			value.replaceAll('&amp;', '&'),
		]),
	);
}

/** What of ISO/IEC 23009-1 and the DASH-IF guidelines a manifest breaks, in words. */
export function manifestViolations({ text, mpd, sets }: Manifest): string[] {
	const violations: string[] = [];
	const demand = (isSo: boolean, rule: string): void => {
		if (!isSo) violations.push(rule);
	};
	const isDynamic = mpd.get('type') === 'dynamic';
	demand(mpd.get('xmlns') === 'urn:mpeg:dash:schema:mpd:2011', 'the namespace');
	demand(mpd.get('profiles') !== undefined && mpd.get('minBufferTime') !== undefined, 'required: MPD');
	if (isDynamic) {
		for (const name of [
			'availabilityStartTime',
			'publishTime',
			'minimumUpdatePeriod',
			'timeShiftBufferDepth',
		]) {
			demand(mpd.has(name), `a dynamic manifest has ${name}`);
		}
		demand(
			/<UTCTiming schemeIdUri="urn:mpeg:dash:utc:[^"]+" value="[^"]+"\/>/.test(text),
			'a clock to go by',
		);
		demand(!mpd.has('mediaPresentationDuration'), 'a dynamic manifest has no duration');
		demand(/<Period id="[^"]+"/.test(text), 'periods of a dynamic manifest have ids');
	} else {
		demand(mpd.has('mediaPresentationDuration'), 'a static manifest has a duration');
		demand(!mpd.has('minimumUpdatePeriod') && !mpd.has('timeShiftBufferDepth'), 'and nothing of updates');
	}
	for (const name of [
		'minBufferTime',
		'maxSegmentDuration',
		'mediaPresentationDuration',
		'timeShiftBufferDepth',
	]) {
		demand(/^PT\d+(\.\d+)?S$/.test(mpd.get(name) ?? 'PT1S'), `${name} is a duration`);
	}
	demand(/<Period [^>]*start="PT0S"/.test(text), 'the first period begins at 0');
	demand(sets.length > 0, 'there is an adaptation set');
	const longestMs = 1000 * Number(/^PT(.+)S$/.exec(mpd.get('maxSegmentDuration') ?? '')?.[1]);
	for (const { template, segments, representation } of sets) {
		demand(template.get('media')?.includes('$Number$') === true, 'a template with $Number$');
		demand(Number(template.get('startNumber')) >= 1, 'startNumber');
		demand(segments.length > 0, 'a timeline has segments');
		const offset = Number(template.get('presentationTimeOffset'));
		let endMs = Number.NEGATIVE_INFINITY;
		for (const segment of segments) {
			const ms = Number(segment.get('t'));
			const durationMs = Number(segment.get('d'));
			demand(Number.isSafeInteger(ms) && ms >= offset, `S@t ${segment.get('t')}`);
			demand(
				Number.isSafeInteger(durationMs) && durationMs > 0 && durationMs <= longestMs,
				`S@d ${durationMs}`,
			);
			demand(endMs === Number.NEGATIVE_INFINITY || ms === endMs, `segments meet: ${endMs} and ${ms}`);
			endMs = ms + durationMs;
		}
		for (const name of ['id', 'bandwidth', 'codecs'])
			demand(representation.has(name), `Representation@${name}`);
		demand(Number.isInteger(Number(representation.get('bandwidth'))), 'bandwidth is a whole number');
		demand(/^\d+(\/\d+)?$/.test(representation.get('frameRate') ?? '25'), 'frameRate is a fraction');
	}
	return violations;
}
