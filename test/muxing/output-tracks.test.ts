import test from 'ava';
import type { Track } from 'kvs-archive';
import { inChannelOrder } from '#lib/muxing/channel-order.js';
import { OutputTracks } from '#lib/muxing/output-tracks.js';
import { madeTrack } from '../helpers/media/muxing.js';

const named = (number: number, name: string | null): Track =>
	madeTrack({ number, name, type: 'audio', codecId: 'A_PCM/INT/LIT' });

const [left, right] = [named(1, 'AUDIO_FROM_CUSTOMER'), named(2, 'AUDIO_TO_CUSTOMER')];

test('a track is matched by its name, even if its number has changed', (t) => {
	const tracks = new OutputTracks([left, right]);
	t.is(tracks.of(named(1, 'AUDIO_FROM_CUSTOMER')), left);
	t.is(tracks.of(named(2, 'AUDIO_FROM_CUSTOMER')), left);
	t.is(tracks.of(named(1, 'AUDIO_TO_CUSTOMER')), right);
	t.is(tracks.of(named(3, 'AUDIO_TO_CUSTOMER')), right);
});

test('a track whose name is missing, new or ambiguous is matched by its number', (t) => {
	const tracks = new OutputTracks([left, right]);
	t.is(tracks.of(named(2, null)), right);
	t.is(tracks.of(named(2, 'renamed')), right);
	t.is(tracks.of(named(3, 'renamed')), null);
	t.is(tracks.whyNot(named(3, 'renamed')), 'is new');
	const alike = [named(1, 'mic'), named(2, 'mic'), named(3, 'room')];
	t.is(new OutputTracks(alike).of(named(3, 'mic')), alike[2] ?? null);
});

test('the tracks of a call are ordered customer first, then agent; other tracks keep their order', (t) => {
	t.deepEqual(inChannelOrder([right, left]), [left, right]);
	t.deepEqual(inChannelOrder([named(3, 'music'), right, left]), [left, right, named(3, 'music')]);
	t.deepEqual(inChannelOrder([right]), [right]);
	t.deepEqual(inChannelOrder([named(1, 'b'), named(2, 'a')]), [named(1, 'b'), named(2, 'a')]);
});
