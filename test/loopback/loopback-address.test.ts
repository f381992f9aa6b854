import test from 'ava';
import { isLoopbackAddress } from '#lib/loopback/loopback-address.js';

test('the name of this machine is not its loopback address', (t) => {
	for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
		t.true(isLoopbackAddress(address));
	for (const address of ['0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '127.0.0.1.evil']) {
		t.false(isLoopbackAddress(address), address);
	}
});
