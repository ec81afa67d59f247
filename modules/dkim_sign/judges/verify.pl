#!/usr/bin/perl
# Judge of signatures: Mail::DKIM. Arguments: a file of key records ("name TAB text" a line), then message files.
# Writes for each message: file TAB result of the whole, then for each signature TAB selector=result.
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Mail::DKIM::DNS;
use Net::DNS::RR;

my %records;
open my $in, '<', shift @ARGV or die "records: $!";
while (<$in>) {
    chomp;
    my ( $name, $text ) = split /\t/, $_, 2;
    $records{ lc $name } = $text;
}
close $in;

no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
    my ( $name, $type ) = @_;
    my $text = $records{ lc $name };
    return unless defined $text && lc $type eq 'txt';
    my @strings = unpack '(a255)*', $text;
    return Net::DNS::RR->new( owner => $name, type => 'TXT', txtdata => \@strings );
};

for my $file (@ARGV) {
    my $verifier = Mail::DKIM::Verifier->new();
    open my $message, '<:raw', $file or die "$file: $!";
    local $/;
    $verifier->PRINT( scalar <$message> );
    close $message;
    $verifier->CLOSE;
    print join( "\t", $file, $verifier->result, map { $_->selector . '=' . $_->result_detail } $verifier->signatures ), "\n";
}
