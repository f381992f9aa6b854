import test from 'ava';
import { element, master, unsigned } from '#lib/ebml/ebml-writer.js';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import { trackEntry } from '../../helpers/media/payload.js';
import { FakeClock } from '../fake-clock.js';
import { manifestViolations, readManifest, segmentUrl } from './dash-manifest.js';
import {
	audioTrack,
	codedTrack,
	dashOnDemand,
	largeAvc,
	onDemand,
	refusal,
	START_MS,
	startPlayback,
	videoFragment,
	videoFragments,
	videoTrack,
} from './start-playback.js';

const OPERATION = 'GetDASHStreamingSessionURL';
const largeTrack = codedTrack(1, 'V_MPEG4/ISO/AVC', largeAvc);

/** WAVEFORMATEX of G.711 µ-law, 8 kHz. */
const mulaw = Buffer.from('07000100401f0000401f00000100080000', 'hex');
const mulawTrack = trackEntry(2, 'audio', 'A_MS/ACM', [
	element('CodecPrivate', [mulaw]),
	master('Audio', [unsigned('Channels', 1)]),
]);

test('an on-demand manifest describes its segments in full', async (t) => {
	const { ingest, openDash } = await startPlayback(t);
	await ingest([videoFragment(0), videoFragment(1), videoFragment(5)]);
	const members = { DisplayFragmentTimestamp: 'ALWAYS', DisplayFragmentNumber: 'ALWAYS' };
	const session = await openDash({ ...dashOnDemand(), ...members });
	t.regex(session.url, /\/dash\/v1\/getDASHManifest\.mpd\?SessionToken=[\w-]+$/);
	const manifest = await readManifest(session);
	t.deepEqual(manifestViolations(manifest), []);
	t.is(
		manifest.text.replaceAll(session.token, 'T').replace(/bandwidth="\d+"/, 'bandwidth="N"'),
		`<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:kvs="urn:amazon:kinesisvideo" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" availabilityStartTime="2026-01-31T00:00:00.000Z" mediaPresentationDuration="PT6S" minBufferTime="PT2S" maxSegmentDuration="PT2S">
 <Period id="0" start="PT0S">
  <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
   <SegmentTemplate timescale="1000" presentationTimeOffset="1769817600000" startNumber="1" initialization="getMP4InitFragment.mp4?SessionToken=T&amp;TrackNumber=1" media="getMP4MediaFragment.mp4?FragmentNumber=$Number$&amp;SessionToken=T&amp;TrackNumber=1">
    <SegmentTimeline>
     <S t="1769817600000" d="2000" kvs:ts="2026-01-31T00:00:00.000Z" kvs:fn="1000000"/>
     <S t="1769817602000" d="2000" kvs:ts="2026-01-31T00:00:02.000Z" kvs:fn="1000001"/>
     <S t="1769817604000" d="2000" kvs:ts="2026-01-31T00:00:10.000Z" kvs:fn="1000005"/>
    </SegmentTimeline>
   </SegmentTemplate>
   <Representation id="1" bandwidth="N" codecs="avc1.64000d" width="320" height="240" frameRate="25"/>
  </AdaptationSet>
 </Period>
</MPD>
`,
	);
	const response = await fetch(session.url);
	t.is(response.headers.get('content-type'), 'application/dash+xml');
	t.is(response.headers.get('access-control-allow-origin'), '*');
	// Segments are there under their number in the session, and on the timeline of the manifest.
	const decodeTimes: bigint[] = [];
	for (const number of [1, 2, 3]) {
		const media = await fetch(segmentUrl(session, manifest, number));
		t.is(media.status, 200);
		const boxes = readBoxes(new Uint8Array(await media.arrayBuffer()));
		const [tfdt] = boxesAt(boxes, 'moof/traf/tfdt');
		decodeTimes.push(Buffer.from(tfdt?.fields ?? []).readBigUInt64BE(4));
	}
	const [first = 0n, second = 0n, third = 0n] = decodeTimes;
	t.is(second - first, third - second);
	const init = await fetch(segmentUrl(session, manifest, 1, 0, 'initialization'));
	t.is(init.headers.get('content-type'), 'video/mp4');
	for (const number of ['0', '4', '1000001', '01', 'x', '']) {
		const url = segmentUrl(session, manifest, 1).href.replace('FragmentNumber=1', `FragmentNumber=${number}`);
		t.deepEqual((await refusal(url)).slice(0, 2), [404, 'ResourceNotFoundException'], number);
	}
	// What is not asked for is not said.
	const { text } = await readManifest(await openDash(dashOnDemand()));
	t.notRegex(text, /kvs/);
});

test('a live manifest slides, and its segment numbers continue', async (t) => {
	const { ingest, openDash, clock } = await startPlayback(t);
	await ingest(videoFragments(3));
	clock.nowMs = START_MS + 7000;
	const session = await openDash({ MaxManifestFragmentResults: 2 });
	const first = await readManifest(session);
	t.deepEqual(manifestViolations(first), []);
	t.is(first.mpd.get('type'), 'dynamic');
	t.is(first.mpd.get('minimumUpdatePeriod'), 'PT1S');
	t.regex(
		first.text,
		/<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-31T00:00:07.000Z"\/>/,
	);
	// The server's clock is a second later than the producer's here.
	t.is(first.mpd.get('availabilityStartTime'), '2026-01-31T00:00:03.000Z');
	t.is(first.mpd.get('timeShiftBufferDepth'), 'PT4S');
	t.is(first.sets[0]?.template.get('startNumber'), '1');
	await ingest(videoFragments(2, 3));
	clock.nowMs += 4000;
	const next = await readManifest(session);
	t.deepEqual(manifestViolations(next), []);
	t.is(next.mpd.get('availabilityStartTime'), first.mpd.get('availabilityStartTime'));
	t.is(
		next.sets[0]?.template.get('presentationTimeOffset'),
		first.sets[0]?.template.get('presentationTimeOffset'),
	);
	t.is(next.sets[0]?.template.get('startNumber'), '3');
	t.is(next.sets[0]?.segments.length, 2);
	// What has left the window is there for players that are late.
	t.is((await fetch(segmentUrl(session, next, 1))).status, 200);
});

test('the manifest of a replay is dynamic until its last fragment, then static', async (t) => {
	const { ingest, openDash, clock } = await startPlayback(t);
	await ingest(videoFragments(4));
	const session = await openDash({
		...dashOnDemand('PRODUCER', { to: 100_000 }),
		PlaybackMode: 'LIVE_REPLAY',
		MaxManifestFragmentResults: 3,
		DisplayFragmentTimestamp: 'ALWAYS',
	});
	const first = await readManifest(session);
	t.deepEqual(manifestViolations(first), []);
	t.is(first.mpd.get('type'), 'dynamic');
	// The three that are listed end now.
	t.is(first.mpd.get('availabilityStartTime'), new Date(clock.nowMs - 6000).toISOString());
	t.is(first.sets[0]?.segments[0]?.get('kvs:ts'), '2026-01-31T00:00:00.000Z');
	clock.nowMs += 2000;
	const last = await readManifest(session);
	t.deepEqual(manifestViolations(last), []);
	t.is(last.sets[0]?.template.get('startNumber'), '2');
	t.is(last.mpd.get('type'), 'static');
	t.is(last.mpd.get('mediaPresentationDuration'), 'PT8S');
});

test('segments with changed codec private data or additional tracks fail when they are loaded', async (t) => {
	const { ingest, openDash } = await startPlayback(t);
	await ingest([
		videoFragment(0),
		videoFragment(1, { tracks: [largeTrack] }),
		videoFragment(2),
		videoFragment(3, { tracks: [videoTrack, audioTrack] }),
	]);
	const session = await openDash(dashOnDemand());
	const manifest = await readManifest(session);
	t.is(manifest.sets[0]?.segments.length, 4);
	const statuses = [];
	for (const number of [1, 2, 3, 4]) {
		statuses.push((await fetch(segmentUrl(session, manifest, number))).status);
	}
	t.deepEqual(statuses, [200, 400, 200, 400]);
	t.deepEqual(await refusal(segmentUrl(session, manifest, 2)), [
		400,
		'UnsupportedStreamMediaTypeException',
		'The fragment cannot be played in this session: the codec private data changed.',
	]);
});

test('G.711 is played beside video, and audio alone is not', async (t) => {
	const { ingest, openDash, call } = await startPlayback(t);
	const audio = Array.from({ length: 20 }, (_, index) => ({
		trackNumber: 2,
		relativeTicks: index * 100,
		keyframe: true,
		data: Buffer.alloc(800, index),
	}));
	const { blocks = [] } = videoFragment(0);
	await ingest([videoFragment(0, { tracks: [videoTrack, mulawTrack], blocks: [...blocks, ...audio] })]);
	const session = await openDash(dashOnDemand());
	const manifest = await readManifest(session);
	t.deepEqual(manifestViolations(manifest), []);
	t.is(manifest.sets[1]?.representation.get('codecs'), 'ulaw');
	const media = readBoxes(
		new Uint8Array(await (await fetch(segmentUrl(session, manifest, 1, 1))).arrayBuffer()),
	);
	t.is(boxesAt(media, 'mdat')[0]?.fields.byteLength, 16_000);
	const hls = await call('GetHLSStreamingSessionURL', { StreamName: 'door', ...onDemand() });
	t.is(hls.status, 400);
	t.regex(hls.json.message, /A_MS\/ACM/);
	const aloneTrack = codedTrack(1, 'A_AAC', Buffer.from('1190', 'hex'));
	const alone = videoFragment(0, { tracks: [aloneTrack] });
	await ingest([alone], 'radio');
	const refused = await call(OPERATION, { StreamName: 'radio', ...dashOnDemand() });
	t.is(refused.status, 400);
	t.regex(refused.json.message, /track 2, if any, A_AAC or A_MS\/ACM\. Got 1: A_AAC\.$/);
});

test('DASH requests follow the rules of HLS sessions, with the member names of DASH', async (t) => {
	const { ingest, call } = await startPlayback(t);
	await ingest(videoFragments(2));
	const rows: [object, number, string, RegExp][] = [
		[{ StreamName: undefined }, 400, 'InvalidArgumentException', /StreamName or StreamARN/],
		[{ StreamName: 'gate' }, 404, 'ResourceNotFoundException', /stream is not found/],
		[{ PlaybackMode: 'VOD' }, 400, 'InvalidArgumentException', /PlaybackMode/],
		[{ PlaybackMode: 'ON_DEMAND' }, 400, 'InvalidArgumentException', /DASHFragmentSelector/],
		[{ DisplayFragmentNumber: 'YES' }, 400, 'InvalidArgumentException', /DisplayFragmentNumber/],
		[{ DisplayFragmentTimestamp: 1 }, 400, 'InvalidArgumentException', /DisplayFragmentTimestamp/],
		[{ Expires: 299 }, 400, 'InvalidArgumentException', /Expires/],
		[{ MaxManifestFragmentResults: 5001 }, 400, 'InvalidArgumentException', /MaxManifestFragmentResults/],
		[{ MaxManifestFragmentResults: 0 }, 400, 'InvalidArgumentException', /MaxManifestFragmentResults/],
		[
			dashOnDemand('PRODUCER', { from: 5, to: 5 }),
			400,
			'InvalidArgumentException',
			/later than StartTimestamp/,
		],
		[dashOnDemand('PRODUCER', { to: 86_400_001 }), 400, 'InvalidArgumentException', /within 24 hours/],
		[dashOnDemand('SERVER', { to: 7_200_000 }), 400, 'InvalidArgumentException', /in the past/],
		[{ ...dashOnDemand(), PlaybackMode: 'LIVE' }, 400, 'InvalidArgumentException', /no TimestampRange/],
		[
			dashOnDemand('PRODUCER', { from: 100_000 }),
			404,
			'ResourceNotFoundException',
			/^No fragments found in the stream for the streaming request\.$/,
		],
		[{}, 404, 'ResourceNotFoundException', /^No fragments found/],
	];
	for (const [members, status, name, message] of rows) {
		const refused = await call(OPERATION, { StreamName: 'door', ...members });
		t.is(refused.status, status, JSON.stringify(members));
		t.is(refused.headers.get('x-amzn-errortype'), name);
		t.regex(refused.json.message, message);
	}
	for (const operation of [OPERATION, 'GetHLSStreamingSessionURL']) {
		await call('CreateStream', { StreamName: operation });
		const { headers, status } = await call(operation, { StreamName: operation });
		t.deepEqual([status, headers.get('x-amzn-errortype')], [400, 'NoDataRetentionException']);
	}
});

test("a token opens its own protocol's resources, until it expires, within the quotas", async (t) => {
	const clock = new FakeClock();
	const { ingest, open, openDash, clock: archiveClock } = await startPlayback(t, { quotas: 'aws', clock });
	await ingest(videoFragments(2));
	const dash = await openDash(dashOnDemand());
	const hls = await open(onDemand());
	const denied = [403, 'AccessDeniedException', 'Streaming session token is invalid'];
	t.deepEqual(await refusal(dash.url.replace(dash.token, hls.token)), denied);
	t.deepEqual(await refusal(hls.url.replace(hls.token, dash.token)), denied);
	const statuses = [];
	for (let index = 0; index < 6; index++) statuses.push((await fetch(dash.url)).status);
	t.deepEqual(statuses, [200, 200, 200, 200, 200, 400]);
	clock.nowMs += 1000;
	const media = segmentUrl(dash, await readManifest(dash), 1);
	archiveClock.nowMs += 300_000;
	t.deepEqual(await refusal(media), [403, 'AccessDeniedException', 'Streaming session token is expired']);
	t.deepEqual((await refusal(dash.url))[0], 403);
});
