/** Whether a numeric address is a loopback address. */
export function isLoopbackAddress(address: string): boolean {
	return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address);
}
