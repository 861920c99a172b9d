"""What every part of Haven agrees on: identifiers, errors, time, ports. No I/O here."""
