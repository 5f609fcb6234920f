#!/bin/sh
# Makes the built-in picture and sound that a native peer sends when it is given
# no file: ../pattern.ivf and ../tone.ogg. Needs ffmpeg with libvpx and libopus.
# The result is kept in the repository; run this only to change it.
#
# Picture, 640x360, 15 frames/s, 4 s: eight bars of 80x264 pixels in the top
# (white, yellow, cyan, green, magenta, red, blue, black), below them a dark grey
# band of 96 pixels in which a white block of 64x64 moves from the left edge to
# the right edge once per loop (144 pixels/s). Key frame every second.
#
# Sound: 660 Hz sine, mono, 4 s: a whole number of periods, so the loop has no click.
set -eu
cd "$(dirname "$0")/.."

bar() { printf 'drawbox=x=%d:y=0:w=80:h=264:color=%s:t=fill,' "$(($1 * 80))" "$2"; }

ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "color=c=0x202020:s=640x360:r=15:d=4" \
  -f lavfi -i "color=c=white:s=64x64:r=15:d=4" \
  -filter_complex "[0]$(bar 0 white)$(bar 1 yellow)$(bar 2 cyan)$(bar 3 lime)$(bar 4 magenta)$(bar 5 red)$(bar 6 blue)$(bar 7 black)null[bars];[bars][1]overlay=x='144*t':y=280:eval=frame" \
  -pix_fmt yuv420p -c:v libvpx -b:v 300k -g 15 -keyint_min 15 -auto-alt-ref 0 -lag-in-frames 0 \
  -flags +bitexact -fflags +bitexact pattern.ivf

ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "sine=frequency=660:sample_rate=48000:duration=4" -filter:a "volume=6dB" \
  -ac 1 -c:a libopus -b:a 32k -frame_duration 20 -application audio \
  -flags +bitexact -fflags +bitexact tone.ogg

# For the tests: VP9 in a size that is not a power of two, and stereo with 60 ms packets.
ffmpeg -hide_banner -loglevel error -y -f lavfi -i "testsrc=size=98x66:rate=10:duration=0.4" \
  -pix_fmt yuv420p -c:v libvpx-vp9 -b:v 20k -g 2 -lag-in-frames 0 \
  -flags +bitexact -fflags +bitexact testdata/vp9.ivf
ffmpeg -hide_banner -loglevel error -y -f lavfi -i "sine=frequency=440:sample_rate=48000:duration=0.5" \
  -ac 2 -c:a libopus -b:a 24k -frame_duration 60 -flags +bitexact -fflags +bitexact testdata/stereo.ogg
